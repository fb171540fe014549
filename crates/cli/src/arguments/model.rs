//! Which model, how it is held, and what its chat template is given: what the commands on models share.

use clap::{Args, ValueEnum};
use plimsoll_engine::LanguageModel;
use plimsoll_engine::chat::{ChatForm, TemplateVariables};
use plimsoll_pipeline::compute::{self, placement};
use plimsoll_pipeline::models::{LocatedModel, ModelSource, engine_failure, open_model};
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};
use serde_json::Value;

use crate::console::Console;

/// Which model.
#[derive(Debug, Args)]
pub(crate) struct ModelArguments {
    /// The model
    #[arg(
        long,
        value_name = "M",
        help = "A folder with config.json and safetensors, a .gguf file, or hf://OWNER/NAME[@REVISION][/FILE.gguf]"
    )]
    pub(crate) model: String,
}

/// What its chat template is given.
#[derive(Debug, Args)]
pub(crate) struct TemplateArguments {
    #[arg(
        long = "template-variable",
        value_name = "NAME=JSON",
        value_parser = variable,
        help = "A variable for the chat template, such as enable_thinking=false; may be given several times",
        long_help = "A variable for the chat template, such as enable_thinking=false; may be given several times\n\n\
                     The value is JSON: false, 3, '\"low\"' or '[\"a\", \"b\"]'. `plimsoll model inspect` lists the \
                     variables that a template reads; another is refused, since the template would go on as if it \
                     were not there."
    )]
    variables: Vec<(String, Value)>,
}

/// A variable as typed.
fn variable(text: &str) -> Result<(String, Value), String> {
    let (name, json) = text.split_once('=').ok_or("a variable is written NAME=JSON")?;
    let value = serde_json::from_str(json).map_err(|_| {
        format!(
            "`{json}` is not JSON: false, 3 and [\"a\"] are, and a text stands in quotes, {name}='\"{json}\"'"
        )
    })?;
    Ok((name.to_owned(), value))
}

/// How it is held in memory and computed.
#[derive(Debug, Args)]
pub(crate) struct ComputeArguments {
    /// Type of weights and activations [default: bf16 for weights stored so, otherwise f32; packed GGUF weights stay packed]
    #[arg(long, value_enum, value_name = "TYPE")]
    dtype: Option<Dtype>,
    /// Where to compute; cuda and metal need a program built with the feature of that name
    #[arg(long, value_enum, default_value = "cpu", value_name = "DEVICE")]
    device: Device,
}

/// Type of weights and activations, as typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "lower")]
enum Dtype {
    /// 32-bit floats.
    F32,
    /// Brain floats.
    Bf16,
    /// 16-bit floats.
    F16,
}

impl From<Dtype> for compute::Dtype {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::Bf16 => Self::Bf16,
            Dtype::F16 => Self::F16,
        }
    }
}

/// Where to compute, as typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "lower")]
enum Device {
    /// The processor.
    Cpu,
    /// A GPU of NVIDIA's.
    Cuda,
    /// A GPU of Apple's.
    Metal,
}

impl From<Device> for compute::Device {
    fn from(device: Device) -> Self {
        match device {
            Device::Cpu => Self::Cpu,
            Device::Cuda => Self::Cuda,
            Device::Metal => Self::Metal,
        }
    }
}

impl ModelArguments {
    /// Fetches what is not on this machine, and opens the model.
    ///
    /// # Errors
    /// A usage failure for an address that is none, an input failure for files that are missing or damaged.
    pub(crate) fn open(&self, console: &Console) -> Result<LocatedModel, Failure> {
        open_model(ModelSource { address: &self.model, base: None, offline: false }, console)
    }
}

impl TemplateArguments {
    /// The model, whose template is given the variables.
    ///
    /// # Errors
    /// A usage failure for a variable that stands twice, that cannot be set, or that the template does not read.
    pub(crate) fn give(&self, model: LocatedModel) -> Result<LocatedModel, Failure> {
        let mut names: Vec<&str> = self.variables.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        if let Some((twice, _)) = pairs.find(|(name, next)| name == next) {
            return Err(Failure::usage(format!("--template-variable {twice} is given twice")));
        }
        let variables = TemplateVariables::new(self.variables.iter().cloned()).or_fail(FailureKind::Usage)?;
        let opened = model.opened.with_variables(variables).or_fail(FailureKind::Usage)?;
        Ok(LocatedModel { opened, ..model })
    }
}

impl ComputeArguments {
    /// Reads the weights of a model.
    pub(crate) fn load(&self, model: LocatedModel, console: &Console) -> Result<LanguageModel, Failure> {
        let (dtype, device) = (self.dtype.map(compute::Dtype::from), compute::Device::from(self.device));
        let placement = placement(dtype, device, model.opened.natural_dtype())?;
        tracing::info!(dtype = ?placement.dtype, "loading");
        if model.opened.description().form == ChatForm::Plain {
            console.note("the model has no chat template; prompts are written as plain text");
        }
        model.opened.load(placement).map_err(engine_failure)
    }
}
