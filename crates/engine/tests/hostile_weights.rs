//! Safetensors files that are cut, lie, or mean harm: an error that says where, and nothing allocated first.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::error::Error;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device};
use half::{bf16, f16};
use plimsoll_engine::{Decoder, OpenedModel, Placement, Safetensors, Tensors, read_config};
use proptest::prelude::*;
use tempfile::TempDir;

/// A file of a header as it is and bytes as they are.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn numbers(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn open(bytes: &[u8]) -> Result<(TempDir, Safetensors), String> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    match Safetensors::open(folder.path()) {
        Ok(tensors) => Ok((folder, tensors)),
        Err(error) => Err(chain(&error).replace(&*folder.path().to_string_lossy(), "FOLDER")),
    }
}

/// `a`, two numbers.
const TWO: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;

#[test]
fn headers_that_lie_are_refused() {
    let two = numbers(&[1.0, 2.0]);
    let header = |text: &str| file(text, &two);
    let long = format!("{{\"a\":{}", " ".repeat(40));
    let mut huge = u64::MAX.to_le_bytes().to_vec();
    huge.extend_from_slice(b"{}");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "it has 0 bytes, and the header says 8"),
        ("short length", vec![1, 0, 0], "it has 3 bytes, and the header says 8"),
        ("huge length", huge, "its header has 18446744073709551615 bytes; at most 33554432 are allowed"),
        ("cut header", file(TWO, &[])[..30].to_vec(), "it has 30 bytes, and the header says 62"),
        ("no JSON", header("no JSON"), "its header cannot be read"),
        ("open JSON", header(&long), "its header cannot be read"),
        ("a list", header("[]"), "its header cannot be read"),
        ("deep", header(&"[".repeat(5000)), "its header cannot be read"),
        ("twice", header(&format!("{},{}", &TWO[..TWO.len() - 1], &TWO[1..])), "a tensor is there twice"),
        ("negative", header(&TWO.replace("[2]", "[-2]")), "its header cannot be read"),
        ("unknown key", header(&TWO.replace("\"shape\"", "\"stride\"")), "unknown field `stride`"),
        ("cut data", file(TWO, &two[..7]), "it has 69 bytes, and the header says 70"),
        ("more data", file(TWO, &[0; 9]), "it has 71 bytes; its tensors end at 70"),
        ("too few bytes", header(&TWO.replace("[0,8]", "[0,7]")), "does not fit its bytes 0..7"),
        ("backwards", header(&TWO.replace("[0,8]", "[8,0]")), "does not fit its bytes 8..0"),
        (
            "far away",
            header(&TWO.replace("[0,8]", "[4611686018427387904,4611686018427387912]")),
            "begins at 4611686018427387904, where 0 is next",
        ),
        (
            "absurd shape",
            header(&TWO.replace("[2]", "[4294967296,4294967296,4294967296]")),
            "does not fit its bytes",
        ),
        ("many dimensions", header(&TWO.replace("[2]", "[2,1,1,1,1,1,1,1,1,1]")), "does not fit its bytes"),
        (
            "absurd shape of a new type",
            header(&TWO.replace("[2]", "[99999999999]").replace("F32", "F3")),
            "does not fit its bytes",
        ),
        (
            "overlap",
            header(
                r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            ),
            "tensor `b` begins at 4, where 8 is next",
        ),
        (
            "hole",
            header(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#),
            "tensor `a` begins at 4, where 0 is next",
        ),
    ];
    for (name, bytes, wanted) in cases {
        let error = open(&bytes).map(|_| ()).unwrap_err();
        assert!(error.contains("FOLDER/model.safetensors"), "{name}: {error}");
        assert!(error.contains(wanted), "{name}: {error}");
        assert!(error.len() < 1000, "{name}: the message has {} bytes", error.len());
    }
}

#[test]
fn a_file_that_claims_terabytes_allocates_nothing() {
    // Sparse: its length is real, its blocks are not there.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let header = r#"{"a":{"dtype":"F32","shape":[549755813888],"data_offsets":[0,2199023255552]}}"#;
    fs::write(&path, file(header, &[])).unwrap();
    let error = chain(&Safetensors::open(folder.path()).unwrap_err());
    assert!(error.contains("the header says 2199023255"), "{error}");
}

#[test]
fn every_type_reads_as_every_other() {
    let header = r#"{"__metadata__":{"format":"pt"},
        "a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},
        "b":{"dtype":"BF16","shape":[3,1],"data_offsets":[12,18]},
        "c":{"dtype":"F16","shape":[1,3],"data_offsets":[18,24]},
        "none":{"dtype":"F32","shape":[0,4],"data_offsets":[24,24]}}"#;
    let values = [1.5_f32, -0.25, 1024.0];
    let mut data = numbers(&values);
    data.extend(values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()));
    data.extend(values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()));
    let (_folder, tensors) = open(&file(header, &data)).unwrap();
    assert_eq!(tensors.names(), ["a", "b", "c", "none"]);
    assert_eq!(tensors.elements(), 9);
    for dtype in [DType::F32, DType::BF16, DType::F16] {
        let placement = Placement { dtype, device: Device::Cpu };
        for (name, shape) in [("a", vec![3]), ("b", vec![3, 1]), ("c", vec![1, 3])] {
            assert_eq!(tensors.shape(name), Some(shape.as_slice()));
            let tensor = tensors.dense(name, &shape, &placement).unwrap();
            assert_eq!(tensor.dtype(), dtype);
            let read = tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(read, values, "{name} as {dtype:?}");
        }
    }
    assert_eq!(tensors.dense("none", &[0, 4], &Placement::cpu_f32()).unwrap().elem_count(), 0);
}

#[test]
fn tensors_that_cannot_be_used_are_named() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "i":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},
        "large":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}"#;
    let (_folder, tensors) = open(&file(header, &numbers(&[1.0, f32::NAN, 0.0, f32::INFINITY]))).unwrap();
    let read =
        |name: &str, shape: &[usize]| chain(&tensors.dense(name, shape, &Placement::cpu_f32()).unwrap_err());
    assert_eq!(read("a", &[2]), "tensor `a` holds NaN at element 1");
    assert_eq!(read("a", &[1, 2]), "tensor `a` has shape [2]; the configuration asks for [1, 2]");
    assert_eq!(read("b", &[2]), "the weights have no tensor `b`");
    assert_eq!(read("i", &[1]), "tensor `i` is stored as I32, which cannot be read as F32");
    assert_eq!(read("large", &[1]), "tensor `large` holds inf at element 0");
    let whole = Placement { dtype: DType::U8, device: Device::Cpu };
    let error = chain(&tensors.dense("a", &[2], &whole).unwrap_err());
    assert_eq!(error, "tensor `a` is stored as F32, which cannot be read as U8");
}

#[test]
fn a_number_that_bf16_makes_infinite_is_named() {
    let (_folder, tensors) = open(&file(TWO, &numbers(&[0.0, f32::MAX]))).unwrap();
    let placement = Placement { dtype: DType::BF16, device: Device::Cpu };
    let error = chain(&tensors.dense("a", &[2], &placement).unwrap_err());
    assert_eq!(error, "tensor `a` holds inf at element 1");
}

#[test]
fn a_file_cut_after_it_was_opened_is_an_error() {
    let (folder, tensors) = open(&file(TWO, &numbers(&[1.0, 2.0]))).unwrap();
    fs::write(folder.path().join("model.safetensors"), b"gone").unwrap();
    let error = chain(&tensors.dense("a", &[2], &Placement::cpu_f32()).unwrap_err());
    assert!(error.contains("cannot read `"), "{error}");
}

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/decoder").join(name)
}

fn copy(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for entry in fs::read_dir(golden(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn open_model(folder: &TempDir) -> String {
    let error = OpenedModel::open(folder.path())
        .and_then(|model| model.load_decoder(Placement::cpu_f32()))
        .map(drop)
        .unwrap_err();
    chain(&error).replace(&*folder.path().to_string_lossy(), "FOLDER")
}

#[test]
fn an_index_cannot_leave_its_folder_or_name_what_is_not_there() {
    let cases = [
        ("../x.safetensors", "names the file `../x.safetensors`, which is not a plain name"),
        ("/x.safetensors", "which is not a plain name"),
        ("a/x.safetensors", "which is not a plain name"),
        ("a\\\\x.safetensors", "which is not a plain name"),
        ("C:x.safetensors", "which is not a plain name"),
        ("..", "which is not a plain name"),
        ("", "which is not a plain name"),
        ("gone.safetensors", "cannot open `FOLDER/gone.safetensors`"),
        ("model-00002-of-00004.safetensors", "which does not hold it"),
    ];
    for (shard, wanted) in cases {
        let folder = copy("granite");
        let index = folder.path().join("model.safetensors.index.json");
        let text = fs::read_to_string(&index).unwrap();
        fs::write(&index, text.replacen("model-00001-of-00004.safetensors", shard, 1)).unwrap();
        let error = open_model(&folder);
        assert!(error.contains(wanted), "{shard}: {error}");
    }
    for (text, wanted) in [
        ("", "it cannot be read"),
        ("{}", "missing field `weight_map`"),
        (r#"{"weight_map":{}}"#, "it names no tensors"),
        (r#"{"weight_map":{"a":1}}"#, "it cannot be read"),
    ] {
        let folder = copy("granite");
        fs::write(folder.path().join("model.safetensors.index.json"), text).unwrap();
        let error = open_model(&folder);
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn folders_without_weights_or_configuration_are_errors() {
    let folder = copy("llama");
    fs::remove_file(folder.path().join("config.json")).unwrap();
    assert!(open_model(&folder).contains("no config.json in FOLDER"));
    fs::write(folder.path().join("config.json"), [0xff, 0xfe]).unwrap();
    assert!(open_model(&folder).contains("is not UTF-8"));
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert!(open_model(&folder).contains("no weights"));
    assert!(open_model(&TempDir::new().unwrap()).contains("no weights"));
}

#[test]
fn weights_that_do_not_fit_the_configuration_are_named() {
    let spec =
        |name: &str| read_config(&fs::read_to_string(golden(name).join("config.json")).unwrap()).unwrap();
    let load = |spec, weights: &str| {
        let tensors = Safetensors::open(&golden(weights)).unwrap();
        chain(&Decoder::load(spec, &tensors, Placement::cpu_f32()).map(|_| ()).unwrap_err())
    };
    let mut fewer = spec("llama_plain");
    fewer.layers.pop();
    let error = load(fewer, "llama_plain");
    assert!(error.contains("`model.layers.1.") && error.contains("does not use"), "{error}");
    let mut more = spec("llama_plain");
    more.layers.push(more.layers[0]);
    assert!(load(more, "llama_plain").contains("no tensor `model.layers.2.input_layernorm.weight`"));
    let mut wider = spec("llama_plain");
    wider.intermediate += 1;
    let error = load(wider, "llama_plain");
    assert!(
        error.contains("mlp.gate_proj.weight` has shape [40, 32]; the configuration asks for [41, 32]"),
        "{error}"
    );
    let mut unbiased = spec("qwen2");
    unbiased.biases.query_key_value = false;
    assert!(load(unbiased, "qwen2").contains("_proj.bias`, which `qwen2` does not use"));
    let mut none = spec("llama_plain");
    none.heads = 0;
    assert!(load(none, "llama_plain").contains("`heads` is 0"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_files_never_panic(
        index in 0..200_usize, byte in any::<u8>(), cut in 0..200_usize, cuts in any::<bool>(),
    ) {
        let header = r#"{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}}"#;
        let mut bytes = file(header, &[0x3f; 14]);
        let index = index % bytes.len();
        bytes[index] = byte;
        if cuts {
            bytes.truncate(cut);
        }
        if let Ok((_folder, tensors)) = open(&bytes) {
            for name in tensors.names() {
                let shape = tensors.shape(name).unwrap();
                let _ = tensors.dense(name, shape, &Placement::cpu_f32());
            }
        }
    }
}
