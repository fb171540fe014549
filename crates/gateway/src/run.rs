//! Runs a gateway until it has to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::GatewayConfig;
use crate::error::GatewayError;
use crate::gateway::{Gateway, LoadedModels};
use crate::server::{interface, metrics_interface};

/// How long requests under way may take once the gateway has to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// How often the SLM's server is asked whether it is there, before it is and afterwards.
const PROBES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// Where a gateway listens.
#[derive(Debug, Clone, Copy)]
pub struct Listening {
    /// The interface.
    pub interface: SocketAddr,
    /// The metrics.
    pub metrics: Option<SocketAddr>,
}

/// Runs a gateway on a runtime of its own until the process has to stop (Ctrl-C, SIGTERM). SIGHUP takes the
/// thresholds file anew. `announce` is called once it listens.
///
/// # Errors
/// [`GatewayError`].
pub fn serve(
    config: GatewayConfig,
    loaded: LoadedModels,
    announce: impl FnOnce(&Gateway, Listening),
) -> Result<(), GatewayError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(GatewayError::system("start the threads of the server"))?;
    let result = runtime.block_on(async {
        let stop = stop_signal()?;
        run(config, loaded, announce, stop).await
    });
    // What a model in this process still computes is nobody's.
    runtime.shutdown_background();
    result
}

/// Runs a gateway until `stop` ends.
///
/// # Errors
/// [`GatewayError`].
pub async fn run(
    config: GatewayConfig,
    loaded: LoadedModels,
    announce: impl FnOnce(&Gateway, Listening),
    stop: impl Future<Output = ()> + Send,
) -> Result<(), GatewayError> {
    let (listen, metrics_listen) = (config.listen, config.metrics_listen);
    let gateway = Arc::new(Gateway::new(config, loaded)?);
    let listener = bind(listen).await?;
    let metrics_listener = match metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let local =
        |listener: &TcpListener| listener.local_addr().map_err(GatewayError::system("read the address"));
    let listening = Listening {
        interface: local(&listener)?,
        metrics: metrics_listener.as_ref().map(local).transpose()?,
    };
    let (stopping, stopped) = watch::channel(false);
    let mut side = JoinSet::new();
    spawn_side_work(&mut side, &gateway)?;
    if let Some(listener) = metrics_listener {
        let interface = metrics_interface(gateway.clone());
        side.spawn(async move {
            if let Err(error) = axum::serve(listener, interface).await {
                tracing::error!("the metrics are no longer served: {error}");
            }
        });
    }
    let mut notice = stopped.clone();
    let server = axum::serve(listener, interface(gateway.clone())).with_graceful_shutdown(async move {
        // An error means that nobody can say so any more.
        let _ = notice.wait_for(|is_stopping| *is_stopping).await;
    });
    let mut server = tokio::spawn(server.into_future());
    announce(&gateway, listening);
    let ended = tokio::select! {
        () = stop => {
            // Nobody but the server listens; it ends by itself otherwise.
            let _ = stopping.send(true);
            tokio::time::timeout(DRAIN, &mut server).await.ok()
        }
        ended = &mut server => Some(ended),
    };
    server.abort();
    side.shutdown().await;
    gateway.write_state();
    if let Some(log) = &gateway.log {
        log.close();
    }
    match ended {
        Some(Ok(result)) => result.map_err(GatewayError::system("serve")),
        Some(Err(_)) | None => {
            tracing::warn!("requests under way were ended after {} s", DRAIN.as_secs());
            Ok(())
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, GatewayError> {
    let action = format!("listen on {address}");
    TcpListener::bind(address).await.map_err(GatewayError::system(action))
}

/// Starts what happens beside the requests.
fn spawn_side_work(side: &mut JoinSet<()>, gateway: &Arc<Gateway>) -> Result<(), GatewayError> {
    let probed = gateway.clone();
    side.spawn(async move {
        loop {
            probed.probe().await;
            let wait = if probed.not_ready().is_some() { PROBES.0 } else { PROBES.1 };
            tokio::time::sleep(wait).await;
        }
    });
    if let Some(every) = gateway.state_interval() {
        let kept = gateway.clone();
        side.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                on_the_side(&kept, Gateway::write_state).await;
            }
        });
    }
    let watched = gateway.clone();
    let mut hang_up = hang_up()?;
    side.spawn(async move {
        // At first anything is a change: the file may have been replaced since it was read.
        let mut stamp = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(watched.reload) => {
                    let now = watched.file_stamp();
                    if now == stamp || now.is_none() {
                        continue;
                    }
                    stamp = now;
                }
                () = hang_up.heard() => {}
            }
            on_the_side(&watched, Gateway::reload_file).await;
        }
    });
    Ok(())
}

/// Work that blocks, on a thread for it.
async fn on_the_side(gateway: &Arc<Gateway>, work: fn(&Gateway)) {
    let gateway = gateway.clone();
    if tokio::task::spawn_blocking(move || work(&gateway)).await.is_err() {
        tracing::error!("work beside the requests has failed");
    }
}

/// Ends when the process has to stop.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()> + Send, GatewayError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(GatewayError::system("listen to signals"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()> + Send, GatewayError> {
    Ok(async {
        // Where it cannot be heard, the process is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// SIGHUP, where there is one.
#[cfg(unix)]
struct HangUp(tokio::signal::unix::Signal);

#[cfg(unix)]
impl HangUp {
    async fn heard(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
fn hang_up() -> Result<HangUp, GatewayError> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::hangup()).map(HangUp).map_err(GatewayError::system("listen to signals"))
}

#[cfg(not(unix))]
struct HangUp;

#[cfg(not(unix))]
impl HangUp {
    async fn heard(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
fn hang_up() -> Result<HangUp, GatewayError> {
    Ok(HangUp)
}
