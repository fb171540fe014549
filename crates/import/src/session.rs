//! The one place that makes a `DataFusion` context and runs queries.
//!
//! A query runs on its own thread, with a stack for deep expressions, while the caller works on the
//! batches before; a panic in the engine ends that thread and becomes an error. There is one partition
//! and one worker, so that the order of the rows depends on nothing but query and files.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use futures::StreamExt as _;

use crate::error::{ImportError, SqlError, panic_message};
use crate::file_table::FileTable;

/// Maximum length of a query; with [`STACK_BYTES`] it bounds how deep an expression can be.
const MAX_SQL_BYTES: usize = 32 << 10;
/// Stack of the query's thread; reserved, not used up.
const STACK_BYTES: usize = 512 << 20;
/// Batches that may wait for the caller.
const WAITING_BATCHES: usize = 4;
/// Functions that give something else each time.
const VOLATILE: &[&str] =
    &["random", "rand", "uuid", "now", "current_timestamp", "current_date", "today", "current_time"];

/// A query over files.
#[derive(Debug)]
pub(crate) struct Query {
    /// What it may name.
    pub(crate) tables: Vec<(String, FileTable)>,
    pub(crate) sql: String,
    /// Memory for sorting, joining and grouping.
    pub(crate) memory_bytes: usize,
}

/// Takes the result of a query.
pub(crate) trait BatchSink {
    /// Its columns; called once, first.
    fn schema(&mut self, schema: &SchemaRef) -> Result<(), ImportError>;
    /// Its rows, in order.
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), ImportError>;
}

enum QueryEvent {
    Schema(SchemaRef),
    Batch(RecordBatch),
}

impl Query {
    /// Runs the query. `take` works on this thread while the query goes on.
    pub(crate) fn run(&self, take: &mut dyn BatchSink) -> Result<(), ImportError> {
        if self.sql.len() > MAX_SQL_BYTES {
            return Err(ImportError::QueryTooLong { limit: MAX_SQL_BYTES });
        }
        let (sender, receiver) = sync_channel(WAITING_BATCHES);
        thread::scope(|scope| {
            let worker = thread::Builder::new()
                .name("query".to_owned())
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, move || self.work(&sender))
                .map_err(|source| ImportError::Start { source })?;
            // Dropping the receiver stops the worker.
            let taken = forward(receiver, take);
            let worked =
                worker.join().map_err(|panic| ImportError::Engine { message: panic_message(&*panic) });
            taken.and(worked?)
        })
    }

    fn work(&self, sender: &SyncSender<QueryEvent>) -> Result<(), ImportError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|source| ImportError::Start { source })?;
        runtime.block_on(self.send(sender))
    }

    async fn send(&self, sender: &SyncSender<QueryEvent>) -> Result<(), ImportError> {
        let context = self.context().map_err(|source| self.failed(source))?;
        let plan = self.plan(&context).await?;
        if sender.send(QueryEvent::Schema(plan.schema())).is_err() {
            return Ok(());
        }
        // One after the other, or the parts of a UNION would come in any order.
        for partition in 0..plan.properties().partitioning.partition_count() {
            let mut batches =
                plan.execute(partition, context.task_ctx()).map_err(|source| self.failed(source))?;
            while let Some(batch) = batches.next().await {
                let batch = batch.map_err(|source| self.failed(source))?;
                if sender.send(QueryEvent::Batch(batch)).is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn plan(&self, context: &SessionContext) -> Result<Arc<dyn ExecutionPlan>, ImportError> {
        let failed = |source| self.failed(source);
        let logical = context.state().create_logical_plan(&self.sql).await.map_err(failed)?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&logical)
            .map_err(|source| ImportError::NotAQuery { source: SqlError::new(source) })?;
        let frame = context.execute_logical_plan(logical).await.map_err(failed)?;
        frame.create_physical_plan().await.map_err(failed)
    }

    /// The one place where a context is made.
    fn context(&self) -> Result<SessionContext, DataFusionError> {
        let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
        // `Category` and `"Category"` are the same name, and `category` is another.
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(self.memory_bytes)))
            .build_arc()?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        for function in VOLATILE {
            context.deregister_udf(function);
        }
        for (name, table) in &self.tables {
            context.register_table(TableReference::bare(name.as_str()), Arc::new(table.clone()))?;
        }
        Ok(context)
    }

    /// What really went wrong: in a file, for want of memory, or with the query.
    fn failed(&self, source: DataFusionError) -> ImportError {
        if let Some(error) = self.tables.iter().find_map(|(_, table)| table.failure().take()) {
            return error;
        }
        let source = SqlError::new(source);
        if source.is_out_of_memory() {
            return ImportError::Memory { limit_bytes: self.memory_bytes, source };
        }
        let tables = self.tables.iter().map(|(name, _)| name.clone()).collect();
        ImportError::Query { tables, source }
    }
}

fn forward(receiver: Receiver<QueryEvent>, take: &mut dyn BatchSink) -> Result<(), ImportError> {
    for message in receiver {
        match message {
            QueryEvent::Schema(schema) => take.schema(&schema)?,
            QueryEvent::Batch(batch) => take.batch(&batch)?,
        }
    }
    Ok(())
}
