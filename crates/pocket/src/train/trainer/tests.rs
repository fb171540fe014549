//! Trainings that are cut off, resumed, and held to their gate.

use plimsoll_engine::Positions;

use super::*;
use crate::train::shape::Shape;

/// A training of a few steps in each phase.
fn tiny() -> Plan {
    let mut plan = Plan::slm();
    plan.shape = Shape { vocabulary: 420, hidden: 16, layers: 2, heads: 2, feed_forward: 24, ..plan.shape };
    plan.tokenizer_documents = 60;
    plan.step_tokens = 256;
    plan.tokens = 1500;
    plan.look = 3;
    plan.held_out = 1;
    plan.recall.due = 0.0;
    plan.recall.step_tokens = 128;
    plan.recall.exercises = 3;
    plan.follow_ups.questions = 2;
    plan.follow_ups.samples = 1;
    plan
}

fn run(trainer: &mut Trainer) -> Vec<Step> {
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
fn without_questions_about_itself_the_model_of_the_second_phase_is_the_model() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [asked, not] = [folders[0].path(), folders[1].path()];
    run(&mut Trainer::new(tiny(), Seed::new(1), asked, false).unwrap());
    let mut plan = tiny();
    plan.follow_ups.questions = 0;
    let mut trainer = Trainer::new(plan, Seed::new(1), not, false).unwrap();
    let steps = run(&mut trainer);
    assert!(steps.iter().all(|step| step.progress.phase != Phase::FollowUps));
    assert!(steps.last().unwrap().look.is_some());
    trainer.write(&not.join("again"), Stored::F32).unwrap();
    let bytes = |path: &Path| fs::read(path.join("model.safetensors")).unwrap();
    assert!(bytes(&not.join("again")) == bytes(&asked.join("first")));
    assert!(bytes(not) != bytes(asked));
}

#[test]
fn comparing_is_due_where_it_is_exercised_alone() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = |comparisons: f64| {
        let mut plan = tiny();
        plan.recall = Recall { comparisons, due: 0.5, ..plan.recall };
        Trainer::new(plan, Seed::new(1), &folder.path().join(comparisons.to_string()), false).unwrap()
    };
    let look = Look {
        loss: 1.0,
        recall: 0.9,
        comparisons: 0.1,
        accuracy: 0.0,
        datasets: std::collections::BTreeMap::new(),
    };
    for (comparisons, phase) in [(0.0, Phase::Everything), (0.5, Phase::Recall)] {
        let mut trainer = trainer(comparisons);
        trainer.gate(&look).unwrap();
        assert_eq!(trainer.progress().phase, phase, "{comparisons}");
    }
}

#[test]
fn a_training_is_not_begun_twice_and_not_gone_on_with_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(tiny(), Seed::new(1), folder.path(), false).unwrap();
    while trainer.step().unwrap().unwrap().look.is_none() {}
    let again = Trainer::new(tiny(), Seed::new(1), folder.path(), false);
    assert!(matches!(again.unwrap_err(), TrainError::Begun { .. }));
    let other = Trainer::new(tiny(), Seed::new(2), folder.path(), true);
    assert!(matches!(other.unwrap_err(), TrainError::Damaged { .. }));
}

#[test]
fn a_model_that_does_not_recall_in_time_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = tiny();
    plan.recall.due = 1.0;
    plan.recall.most_tokens = 300;
    let mut trainer = Trainer::new(plan, Seed::new(1), folder.path(), false).unwrap();
    let failed = std::iter::repeat_with(|| trainer.step()).take(20).find_map(Result::err);
    assert!(matches!(failed, Some(TrainError::Gate { due: 1.0, .. })));
}

#[test]
fn held_out_replies_count_as_right_where_the_engine_says_them() {
    // Greedy answers of the engine, told as replies, are right; with another token in the middle they are not.
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(tiny(), Seed::new(3), folder.path(), false).unwrap();
    let path = folder.path().join("model");
    trainer.write(&path, Stored::F32).unwrap();
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
    let mut network = Network::new(trainer.plan.shape);
    let mut sample = Sample { tokens, weights };
    let runs = |network: &mut Network, sample: &Sample| -> Vec<bool> {
        super::super::held_out::runs(network, &trainer.numbers, sample).collect()
    };
    assert_eq!(runs(&mut network, &sample), [true]);
    sample.tokens[5] = (sample.tokens[5] + 1) % 400;
    assert_eq!(runs(&mut network, &sample), [false]);
}
