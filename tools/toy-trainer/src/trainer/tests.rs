//! Trainings that are cut off, resumed, and held to their gate.

use plimsoll_engine::Positions;

use super::*;
use crate::shape::ModelShape;

/// A training of a few steps in each phase.
fn tiny() -> TrainingConfig {
    let mut config = TrainingConfig::slm();
    config.shape =
        ModelShape { vocabulary: 420, hidden: 16, layers: 2, heads: 2, feed_forward: 24, ..config.shape };
    config.tokenizer_documents = 60;
    config.step_tokens = 256;
    config.tokens = 1500;
    config.eval_interval = 3;
    config.held_out = 1;
    config.recall.required_share = 0.0;
    config.recall.step_tokens = 128;
    config.recall.exercises = 3;
    config.follow_ups.questions = 2;
    config.follow_ups.samples = 1;
    config
}

fn run(trainer: &mut Trainer) -> Vec<StepReport> {
    std::iter::from_fn(|| trainer.step().unwrap()).collect()
}

#[test]
fn a_training_that_was_cut_off_ends_with_the_same_bits() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [whole, cut] = [folders[0].path(), folders[1].path()];
    let steps = run(&mut Trainer::new(tiny(), Seed::new(1), whole, false).unwrap());
    let phases: Vec<Phase> = steps.iter().map(|step| step.progress.phase).collect();
    for phase in [Phase::Recall, Phase::Everything, Phase::FollowUps] {
        assert!(phases.contains(&phase), "{phases:?}");
    }
    assert!(steps.iter().all(|step| step.loss.is_finite()));

    // Cut off at every step, each time between checkpoints or at one.
    let mut done = false;
    let mut rounds = 0;
    while !done {
        let mut trainer = Trainer::new(tiny(), Seed::new(1), cut, rounds > 0).unwrap();
        for _ in 0..4 {
            done = trainer.step().unwrap().is_none();
        }
        rounds += 1;
        assert!(rounds < 100);
    }
    assert!(rounds > 3);
    for file in ["model.safetensors", "tokenizer.json", "training/curve.jsonl"] {
        assert!(fs::read(whole.join(file)).unwrap() == fs::read(cut.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn without_follow_ups_the_model_of_the_second_phase_is_released() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [asked, not] = [folders[0].path(), folders[1].path()];
    run(&mut Trainer::new(tiny(), Seed::new(1), asked, false).unwrap());
    let mut config = tiny();
    config.follow_ups.questions = 0;
    let mut trainer = Trainer::new(config, Seed::new(1), not, false).unwrap();
    let steps = run(&mut trainer);
    assert!(steps.iter().all(|step| step.progress.phase != Phase::FollowUps));
    assert!(steps.last().unwrap().eval.is_some());
    trainer.write(&not.join("again"), WeightFormat::F32).unwrap();
    let bytes = |path: &Path| fs::read(path.join("model.safetensors")).unwrap();
    assert!(bytes(&not.join("again")) == bytes(&asked.join("first")));
    assert!(bytes(not) != bytes(asked));
}

#[test]
fn comparing_is_required_only_where_it_is_exercised() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = |comparisons: f64| {
        let mut config = tiny();
        config.recall = RecallPhase { comparisons, required_share: 0.5, ..config.recall };
        Trainer::new(config, Seed::new(1), &folder.path().join(comparisons.to_string()), false).unwrap()
    };
    let eval = EvalReport {
        loss: 1.0,
        recall: 0.9,
        comparisons: 0.1,
        accuracy: 0.0,
        datasets: std::collections::BTreeMap::new(),
    };
    for (comparisons, phase) in [(0.0, Phase::Everything), (0.5, Phase::Recall)] {
        let mut trainer = trainer(comparisons);
        trainer.gate(&eval).unwrap();
        assert_eq!(trainer.progress().phase, phase, "{comparisons}");
    }
}

#[test]
fn a_training_is_neither_started_twice_nor_resumed_with_another_seed() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(tiny(), Seed::new(1), folder.path(), false).unwrap();
    while trainer.step().unwrap().unwrap().eval.is_none() {}
    let again = Trainer::new(tiny(), Seed::new(1), folder.path(), false);
    assert!(matches!(again.unwrap_err(), TrainError::AlreadyStarted { .. }));
    let other = Trainer::new(tiny(), Seed::new(2), folder.path(), true);
    assert!(matches!(other.unwrap_err(), TrainError::Damaged { .. }));
}

#[test]
fn a_model_that_does_not_recall_in_time_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny();
    config.recall.required_share = 1.0;
    config.recall.max_tokens = 300;
    let mut trainer = Trainer::new(config, Seed::new(1), folder.path(), false).unwrap();
    let failed = std::iter::repeat_with(|| trainer.step()).take(20).find_map(Result::err);
    assert!(matches!(failed, Some(TrainError::Gate { required: 1.0, .. })));
}

#[test]
fn held_out_replies_count_as_right_where_the_engine_generates_them() {
    // Greedy answers of the engine, given as replies, count as right; with another token in the middle they do not.
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(tiny(), Seed::new(3), folder.path(), false).unwrap();
    let path = folder.path().join("model");
    trainer.write(&path, WeightFormat::F32).unwrap();
    let model = OpenedModel::open(&path).unwrap().load(Placement::cpu_f32()).unwrap();
    let mut cache = model.decoder().cache();
    let mut tokens = vec![1, 40, 50, 2];
    let mut weights = vec![0.0; tokens.len()];
    let mut read = tokens.clone();
    for _ in 0..3 {
        let mut row = plimsoll_engine::StepRow {
            logits: Positions::Last,
            ..plimsoll_engine::StepRow::new(&read, &mut cache)
        };
        let output = model.decoder().step(std::slice::from_mut(&mut row)).unwrap().remove(0);
        let logits = output.logits.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
        tokens.push(u32::try_from(best).unwrap());
        weights.push(1.0);
        read = tokens[tokens.len() - 1..].to_vec();
    }
    let mut network = TrainableDecoder::new(trainer.config.shape);
    let mut sample = TrainingSample { tokens, weights };
    let runs = |network: &mut TrainableDecoder, sample: &TrainingSample| -> Vec<bool> {
        crate::evaluation::runs(network, &trainer.parameters, sample).collect()
    };
    assert_eq!(runs(&mut network, &sample), [true]);
    sample.tokens[5] = (sample.tokens[5] + 1) % 400;
    assert_eq!(runs(&mut network, &sample), [false]);
}

#[test]
fn checkpoints_of_the_released_trainings_can_be_resumed() {
    // The identity hashes the configuration as JSON: neither a value nor a stored name may change.
    assert_eq!(identity(&TrainingConfig::slm(), Seed::new(1)), "0e2bb78a9ca919cc");
}
