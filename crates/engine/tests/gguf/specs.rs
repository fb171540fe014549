//! The spec from a file's metadata against the spec from the same model's `config.json`.

use plimsoll_engine::spec::{Multipliers, Norm, RopeScaling};
use plimsoll_engine::{DecoderSpec, read_config};

use crate::models::{ARCHITECTURES, open};

/// Metadata hold 32-bit floats.
const TOLERANCE: f64 = 1e-6;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * b.abs()
}

/// The floats of a spec, in some order.
fn floats(spec: &DecoderSpec) -> Vec<f64> {
    let multipliers = spec.multipliers;
    let mut floats = vec![
        spec.norm.epsilon,
        multipliers.embedding,
        multipliers.residual,
        multipliers.logits_divisor,
        spec.attention_scale,
    ];
    for rope in &spec.ropes {
        floats.push(rope.theta);
        match &rope.scaling {
            RopeScaling::Linear { factor } => floats.push(*factor),
            RopeScaling::LongRope { short, long, attention_factor, .. } => {
                floats.push(*attention_factor);
                floats.extend(short.iter().chain(long).map(|divisor| f64::from(*divisor)));
            }
            RopeScaling::None | RopeScaling::Divisors { .. } | RopeScaling::Llama3 { .. } => {}
        }
    }
    floats
}

/// The spec with its floats, and what is told otherwise on purpose, taken out.
fn sizes(spec: &DecoderSpec) -> DecoderSpec {
    let mut sizes = spec.clone();
    sizes.architecture = String::new();
    // The file's norm weights have Gemma's 1 in them.
    sizes.norm = Norm { epsilon: 0.0, offset: 0.0 };
    sizes.multipliers = Multipliers::default();
    sizes.attention_scale = 0.0;
    for rope in &mut sizes.ropes {
        rope.theta = 0.0;
        rope.scaling = RopeScaling::None;
    }
    sizes
}

#[test]
fn metadata_and_config_give_the_same_spec() {
    for name in ARCHITECTURES {
        let weights = open(name);
        let config = weights.file().header().metadata.text("golden.config").unwrap().unwrap();
        let (ours, theirs) = (weights.spec(), read_config(config).unwrap());
        assert_eq!(sizes(ours), sizes(&theirs), "{name}");
        let (a, b) = (floats(ours), floats(&theirs));
        assert_eq!(a.len(), b.len(), "{name}");
        for (a, b) in a.into_iter().zip(b) {
            assert!(close(a, b), "{name}: {a} {b}");
        }
    }
}

#[test]
fn the_divisors_of_llama_3_are_those_of_its_scaling() {
    let weights = open("llama3");
    let RopeScaling::Divisors { divisors } = &weights.spec().ropes[0].scaling else {
        panic!("no divisors");
    };
    // Wavelengths of a head of 8 are 6, 63, 628 and 6283: kept, between, and twice divided by the factor.
    assert_eq!(divisors.len(), 4);
    assert_eq!((divisors[0], divisors[2], divisors[3]), (1.0, 8.0, 8.0));
    assert!(divisors[1] > 1.0 && divisors[1] < 8.0);
}
