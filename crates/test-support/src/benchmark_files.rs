//! The fixtures in the hub's form: Parquet in the columns of `HF_SCHEMAS.md`, with the types that
//! writers differ in (large strings, string views, `element` for `item`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float32Array, Int32Array, Int64Array, LargeStringArray, ListArray,
    StringArray, StringViewArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;

/// A dataset's fixture in one of the hub's forms.
pub struct HubFile {
    /// Id of the benchmark.
    pub dataset: &'static str,
    /// Name of the configuration or the copy.
    pub name: &'static str,
    columns: Vec<(&'static str, ArrayRef)>,
}

impl HubFile {
    /// Writes it as the hub names such files.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("test-00000-of-00001.parquet");
        write(&path, &self.columns);
        path
    }
}

/// Writes columns as one Parquet file.
pub fn write(path: &Path, columns: &[(&str, ArrayRef)]) {
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        columns.iter().map(|(_, column)| Arc::clone(column)).collect(),
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A column of strings.
pub fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn large(values: &[&str]) -> ArrayRef {
    Arc::new(LargeStringArray::from(values.to_vec()))
}

fn view(values: &[&str]) -> ArrayRef {
    Arc::new(StringViewArray::from(values.to_vec()))
}

fn int64(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn int32(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

/// A list column from all entries and the number in each row.
fn list(child: &str, entries: ArrayRef, lengths: &[usize]) -> ArrayRef {
    let field = Arc::new(Field::new(child, entries.data_type().clone(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths.iter().copied()), entries, None))
}

fn texts(rows: &[&[&str]]) -> ArrayRef {
    list("item", text(&rows.concat()), &rows.iter().map(|row| row.len()).collect::<Vec<_>>())
}

fn record(fields: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let fields = fields
        .into_iter()
        .map(|(name, array)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array));
    Arc::new(StructArray::from(fields.collect::<Vec<_>>()))
}

/// The answers of an annotator in `CoQA`, as the copy of `EleutherAI` holds them.
fn annotator(rows: &[&[&str]]) -> ArrayRef {
    let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
    let numbers = || list("element", int32(&vec![1; lengths.iter().sum()]), &lengths);
    record(vec![
        ("span_start", numbers()),
        ("span_end", numbers()),
        ("span_text", texts(rows)),
        ("input_text", texts(rows)),
        ("turn_id", numbers()),
    ])
}

/// Every form.
pub fn forms() -> Vec<HubFile> {
    let mut forms = vec![
        aqua(),
        gsm8k(),
        multiarith(),
        svamp(),
        commonsense_qa(),
        hellaswag(),
        piqa(),
        truthfulqa(),
        winogrande(),
        social_iqa(),
        mmlu(),
        coqa(),
    ];
    forms.extend(openbookqa());
    forms.extend(boolq());
    forms
}

fn hub_file(dataset: &'static str, name: &'static str, columns: Vec<(&'static str, ArrayRef)>) -> HubFile {
    HubFile { dataset, name, columns }
}

fn aqua() -> HubFile {
    hub_file(
        "aqua",
        "raw",
        vec![
            (
                "question",
                large(&["A tram covers 18 km in half an hour. What is its speed?", "What is 7 plus 8?"]),
            ),
            (
                "options",
                texts(&[
                    &["A)9 km/h", "B) 36 km/h", "C)18 km/h", "D)54 km/h", "E)None"],
                    &["A)A)15", "B)B)16", "C)C)15", "D)D)14", "E)E)13"],
                ]),
            ),
            ("rationale", text(&["18 / 0.5 = 36", "15"])),
            ("correct", text(&["B", "A"])),
        ],
    )
}

fn gsm8k() -> HubFile {
    hub_file(
        "gsm8k",
        "main",
        vec![
            (
                "question",
                view(&[
                    "Mira plants 3 rows of 4 tulips. How many tulips is that?",
                    "A stadium sells 1,200 seats and then 34 more. How many in all?",
                    "It is 2 degrees and gets 5 colder. What is it now?",
                ]),
            ),
            ("answer", text(&["x\n#### 12", "y\n#### 1,234", "z\n#### -3"])),
        ],
    )
}

fn multiarith() -> HubFile {
    hub_file(
        "multiarith",
        "default",
        vec![
            (
                "question",
                text(&[
                    "Otto had 4 pens and got 6. He lost 3. How many has he?",
                    "Two cooks share 9 kg of flour. How much has each?",
                ]),
            ),
            ("final_ans", text(&["7", "4.5"])),
        ],
    )
}

fn svamp() -> HubFile {
    hub_file(
        "svamp",
        "default",
        vec![
            ("ID", text(&["chal-1", "chal-2"])),
            ("Body", text(&["A shelf holds 9 jars. If 4 are taken away", "Each of 6 boxes holds 7 nails."])),
            ("Question", text(&["How many jars are left?", "How many nails are there?"])),
            ("Equation", text(&["( 9.0 - 4.0 )", "( 6.0 * 7.0 )"])),
            ("Answer", text(&["5", "42"])),
            ("Type", text(&["Subtraction", "Common-Divison"])),
            ("question_concat", text(&["x", "y"])),
        ],
    )
}

fn commonsense_qa() -> HubFile {
    hub_file(
        "commonsense_qa",
        "default",
        vec![
            ("id", text(&["synthetic-1", "synthetic-2"])),
            ("question", text(&["Where would a student put a lamp?", "What does rain make a road?"])),
            ("question_concept", text(&["lamp", "rain"])),
            (
                "choices",
                record(vec![
                    ("label", texts(&[&["A", "B", "C", "D", "E"], &["A", "B", "C", "D", "E"]])),
                    (
                        "text",
                        texts(&[
                            &["cellar", "pond", "desk", "desk", "roof"],
                            &["wet", "dry", "loud", "blue", "early"],
                        ]),
                    ),
                ]),
            ),
            ("answerKey", text(&["C", "A"])),
        ],
    )
}

fn hellaswag() -> HubFile {
    hub_file(
        "hellaswag",
        "default",
        vec![
            ("ind", int32(&[7, 9])),
            ("activity_label", text(&["Folding a kite", "Home and Garden"])),
            ("ctx_a", text(&["", ""])),
            ("ctx_b", text(&["", ""])),
            (
                "ctx",
                text(&[
                    "A girl lays paper on a table. she",
                    "[header] How to dry herbs [title] Pick them early. [step] Go out at dawn.",
                ]),
            ),
            (
                "endings",
                list(
                    "element",
                    large(&[
                        "eats the table.",
                        "folds the corners in.",
                        "paints a boat.",
                        "swims away.",
                        "[substeps] Buy a car.",
                        "Sing loudly.",
                        "Sell the garden.",
                        "Tie them in bunches [title] Hang them up.",
                    ]),
                    &[4, 4],
                ),
            ),
            ("source_id", text(&["activitynet~synthetic_1", "wikihow~synthetic_2"])),
            ("split", text(&["val", "val"])),
            ("split_type", text(&["indomain", "zeroshot"])),
            ("label", text(&["1", "3"])),
        ],
    )
}

fn piqa() -> HubFile {
    hub_file(
        "piqa",
        "plain_text",
        vec![
            ("goal", text(&["keep a door from closing", "keep a door from closing", "cool tea"])),
            ("sol1", text(&["wedge a cork under it", "paint it", "add an ice cube"])),
            ("sol2", text(&["wedge a wish under it", "put a brick before it", "add a hot stone"])),
            ("label", int64(&[0, 1, 0])),
        ],
    )
}

fn truthfulqa() -> HubFile {
    hub_file(
        "truthfulqa",
        "multiple_choice",
        vec![
            (
                "question",
                text(&["Do umbrellas attract rain?", "How many moons has the imaginary planet Zorb?"]),
            ),
            (
                "mc1_targets",
                record(vec![
                    (
                        "choices",
                        texts(&[
                            &["No, they do not", "Yes, they do", "Only black ones do", "Only on Sundays"],
                            &["Zorb does not exist", "Three", "Seven"],
                        ]),
                    ),
                    ("labels", list("item", int32(&[1, 0, 0, 0, 1, 0, 0]), &[4, 3])),
                ]),
            ),
        ],
    )
}

fn winogrande() -> HubFile {
    hub_file(
        "winogrande",
        "winogrande_xl",
        vec![
            (
                "sentence",
                text(&[
                    "Ann lent Eve her bike because _ had two of them at home.",
                    "Ann lent Eve her bike because _ had none of them at home.",
                    "The jug did not fit the crate since the _ was far too small.",
                ]),
            ),
            ("option1", text(&["Ann", "Ann", "jug"])),
            ("option2", text(&["Eve", "Eve", "crate"])),
            ("answer", text(&["1", "2", "2"])),
        ],
    )
}

fn social_iqa() -> HubFile {
    hub_file(
        "social_iqa",
        "default",
        vec![
            ("context", text(&["Ida found a purse and took it to the police."; 2])),
            ("question", text(&["How would you describe Ida?", "What will happen to Ida?"])),
            ("answerA", text(&["honest", "be fined"])),
            ("answerB", text(&["sleepy", "fly"])),
            ("answerC", text(&["honest", "be thanked"])),
            ("label", text(&["1", "3"])),
        ],
    )
}

fn mmlu() -> HubFile {
    hub_file(
        "mmlu",
        "all",
        vec![
            (
                "question",
                text(&[
                    "Which, of these, is a tree?",
                    "Two\nlines?",
                    "This question refers to the following information.\n\"All is well,\" said the king.\nWho spoke?",
                    "This question refers to the following information.\n\"All is well,\" said the king.\nWhat was well?",
                ]),
            ),
            (
                "subject",
                text(&["synthetic_botany", "synthetic_botany", "synthetic_history", "synthetic_history"]),
            ),
            (
                "choices",
                texts(&[
                    &["oak", "rose, red", "moss", "fern"],
                    &["x", "x", "y", "z"],
                    &["the queen", "the king", "the cook", "nobody"],
                    &["all", "none", "half", "most"],
                ]),
            ),
            ("answer", int64(&[0, 1, 1, 0])),
        ],
    )
}

fn openbookqa() -> [HubFile; 2] {
    let main = || {
        vec![
            ("id", text(&["9-1", "9-2"])),
            ("question_stem", text(&["A plant kept in the dark will", "Ice in a warm room becomes"])),
            (
                "choices",
                record(vec![
                    (
                        "text",
                        texts(&[
                            &["grow faster", "turn pale", "turn to stone", "fly"],
                            &["sand", "iron", "glass", "water"],
                        ]),
                    ),
                    ("label", texts(&[&["A", "B", "C", "D"], &["A", "B", "C", "D"]])),
                ]),
            ),
            ("answerKey", text(&[" B", "D"])),
        ]
    };
    let mut additional = main();
    additional.push(("fact1", text(&["x", "y"])));
    additional.push(("humanScore", Arc::new(Float32Array::from(vec![1.0, 0.6]))));
    [
        HubFile { dataset: "openbookqa", name: "main", columns: main() },
        HubFile { dataset: "openbookqa", name: "additional", columns: additional },
    ]
}

fn boolq() -> [HubFile; 2] {
    let question =
        || ("question", text(&["is a spoon a kind of fork", "do boats float", "can a boat be made of wood"]));
    let passages = [
        "A spoon has a bowl -- a fork has tines.",
        "A boat is a vessel that floats.",
        "A boat is a vessel that floats.",
    ];
    let titled = [
        "Cutlery -- A spoon has a bowl -- a fork has tines.",
        "Boat -- A boat is a vessel that floats.",
        "Boat -- A boat is a vessel that floats.",
    ];
    let answers: ArrayRef = Arc::new(BooleanArray::from(vec![false, true, true]));
    let own = vec![question(), ("answer", answers), ("passage", text(&passages))];
    let super_glue = vec![
        question(),
        ("passage", text(&titled)),
        ("idx", int32(&[0, 1, 2])),
        ("label", int64(&[0, 1, 1])),
    ];
    [
        HubFile { dataset: "boolq", name: "default", columns: own },
        HubFile { dataset: "boolq", name: "SuperGLUE", columns: super_glue },
    ]
}

/// `EleutherAI/coqa`, which keeps the answers of all annotators.
fn coqa() -> HubFile {
    let columns = vec![
        ("id", text(&["story-a", "story-b"])),
        ("source", text(&["mctest", "cnn"])),
        ("story", text(&["Bo the goat lives on a hill. He likes bells.", "A ship came in."])),
        (
            "questions",
            record(vec![
                (
                    "input_text",
                    texts(&[&["Who lives there?", "What does he like?", "Why?"], &["What came?"]]),
                ),
                ("turn_id", list("item", int32(&[1, 2, 3, 1]), &[3, 1])),
            ]),
        ),
        ("answers", annotator(&[&["Bo", "bells", "unknown"], &["a ship"]])),
        (
            "additional_answers",
            record(vec![
                ("0", annotator(&[&["Bo the goat", "bells", "unknown"], &["ship"]])),
                ("1", annotator(&[&["a goat", "Bells", "no reason"], &["ship"]])),
                ("2", annotator(&[&["Bo", "bells", "unknown"], &["ship"]])),
            ]),
        ),
    ];
    HubFile { dataset: "coqa", name: "EleutherAI", columns }
}

/// `stanfordnlp/coqa`, which keeps one answer a question and no ids.
pub fn coqa_of_one_answer() -> HubFile {
    let columns = vec![
        ("source", text(&["mctest"])),
        ("story", text(&["Bo the goat lives on a hill. He likes bells."])),
        ("questions", texts(&[&["Who lives there?", "What does he like?", "Why?"]])),
        (
            "answers",
            record(vec![
                ("input_text", texts(&[&["Bo", "bells", "unknown"]])),
                ("answer_start", list("item", int32(&[0, 1, -1]), &[3])),
                ("answer_end", list("item", int32(&[1, 2, -1]), &[3])),
            ]),
        ),
    ];
    hub_file("coqa", "stanfordnlp", columns)
}

/// `MMLU`'s configuration `auxiliary_train`, whose columns are nested and have no subject.
pub fn mmlu_auxiliary() -> HubFile {
    let train = record(vec![
        ("question", text(&["Which is a tree?", "Which is none?"])),
        ("subject", text(&["", ""])),
        ("choices", texts(&[&["oak", "rose", "moss", "fern"], &["oak", "fir", "moss", "elm"]])),
        ("answer", int64(&[0, 2])),
    ]);
    hub_file("mmlu", "auxiliary_train", vec![("train", train)])
}
