//! Writes small files, honest or not.

/// The bytes of a file in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writer {
    pairs: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: Vec<u8>,
}

pub(crate) const U32: u32 = 4;
pub(crate) const F32: u32 = 6;
pub(crate) const BOOL: u32 = 7;
pub(crate) const TEXT: u32 = 8;
pub(crate) const ARRAY: u32 = 9;

pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// Type, then content.
pub(crate) fn value(kind: u32, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), content].concat()
}

/// An array's type of values, its length and its content.
pub(crate) fn array(kind: u32, count: u64, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &count.to_le_bytes(), content].concat()
}

impl Writer {
    /// A pair of a key and a typed value.
    pub(crate) fn pair(&mut self, key: &str, value: &[u8]) -> &mut Self {
        self.pairs.push([text(key).as_slice(), value].concat());
        self
    }

    /// A pair in the place of the one of that key, if there is one.
    pub(crate) fn replace(&mut self, key: &str, value: &[u8]) -> &mut Self {
        let start = text(key);
        self.pairs.retain(|pair| !pair.starts_with(&start));
        self.pair(key, value)
    }

    /// A description as given: dimensions innermost first.
    pub(crate) fn description(&mut self, name: &str, shape: &[u64], id: u32, offset: u64) -> &mut Self {
        let mut bytes = text(name);
        bytes.extend((shape.len() as u32).to_le_bytes());
        bytes.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend(id.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        self.tensors.push(bytes);
        self
    }

    /// A tensor after those that there are.
    pub(crate) fn tensor(&mut self, name: &str, shape: &[u64], id: u32, content: &[u8]) -> &mut Self {
        self.data.resize(self.data.len().next_multiple_of(32), 0);
        let offset = self.data.len() as u64;
        self.data.extend(content);
        self.description(name, shape, id, offset)
    }

    /// Bytes of the data part.
    pub(crate) fn data(&mut self, bytes: usize) -> &mut Self {
        self.data.resize(bytes, 0);
        self
    }

    /// The whole file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let counts = (self.tensors.len() as u64, self.pairs.len() as u64);
        let mut file = self.with_counts(3, counts);
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(&self.data);
        file
    }

    /// The header with a version and counts of tensors and pairs that may lie.
    pub(crate) fn with_counts(&self, version: u32, (tensors, pairs): (u64, u64)) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(version.to_le_bytes());
        file.extend(tensors.to_le_bytes());
        file.extend(pairs.to_le_bytes());
        file.extend(self.pairs.concat());
        file.extend(self.tensors.concat());
        file
    }
}

/// The metadata of a model of the architecture `llama`, without tensors.
pub(crate) fn model() -> Writer {
    let mut writer = Writer::default();
    writer.pair("general.architecture", &value(TEXT, &text("llama")));
    for (key, size) in [
        ("llama.block_count", 1_u32),
        ("llama.embedding_length", 32),
        ("llama.feed_forward_length", 64),
        ("llama.context_length", 128),
        ("llama.attention.head_count", 2),
    ] {
        writer.pair(key, &value(U32, &size.to_le_bytes()));
    }
    let epsilon = value(F32, &1e-5_f32.to_le_bytes());
    writer.pair("llama.attention.layer_norm_rms_epsilon", &epsilon);
    writer
}
