//! Buckets: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.
//!
//! Credentials, region and endpoint come from the environment, by the names that the vendors' own tools read
//! (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_NAME`, ..).

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{ObjectStore, RetryConfig};
use url::Url;

use crate::error::ObjectError;

/// The bucket of a URL, and the prefix in it.
pub(crate) fn open(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path), ObjectError> {
    let problem = |problem: String| ObjectError::Address { url: url.to_string(), problem };
    let root = Path::from_url_path(url.path()).map_err(|error| problem(error.to_string()))?;
    // Repeating is `Patience`'s, for all stores alike.
    let retry =
        RetryConfig { max_retries: 0, retry_timeout: Duration::from_secs(1), ..RetryConfig::default() };
    let store = match url.scheme() {
        "s3" | "s3a" => AmazonS3Builder::from_env()
            .with_url(url.as_str())
            .with_retry(retry)
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
        "gs" => GoogleCloudStorageBuilder::from_env()
            .with_url(url.as_str())
            .with_retry(retry)
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
        _ => MicrosoftAzureBuilder::from_env()
            .with_url(url.as_str())
            .with_retry(retry)
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
    };
    store.map(|store| (store, root)).map_err(|error| problem(error.to_string()))
}
