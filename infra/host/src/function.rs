//! A component that is ready to be called, and its instances.

use crate::deadline::{Activity, Expiration};
use crate::key_value::KeyValue;
use crate::logs::Logs;
use crate::outbound::{Inbound, Outbound};
use crate::sqlite::Database;
use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use wasmtime::component::{GuestTaskId, HasData, InstancePre, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, InstantiationError, Proxy, ProxyHandler, ShouldAccept, WorkerState,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Limits on instances. All are the host's; components can't change them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Live instances of all components together.
    pub instances: u32,
    /// Requests that one instance may answer at once. 1 by default, where Spin has 16: what crashes or is stopped then
    /// takes no other request with it, and no request waits behind one that computes. Work behind an answer doesn't
    /// count, so an instance still serves many event streams.
    pub concurrency: usize,
    /// Requests that one instance may answer in all, as in Spin.
    pub reuse: usize,
    /// How long an instance without work is kept.
    pub idle: Duration,
    /// CPU time that an instance may use without once waiting for anything.
    pub cpu: Duration,
    /// Linear memory of one instance, in bytes.
    pub memory: usize,
    /// How long a request waits for an instance before it is refused with 503.
    pub queue: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instances: 512,
            concurrency: 1,
            reuse: 128,
            idle: Duration::from_secs(1),
            cpu: Duration::from_secs(30),
            memory: 512 << 20,
            queue: Duration::from_secs(10),
        }
    }
}

/// What is known of a request while it is answered.
#[derive(Debug)]
pub(crate) struct RequestContext {
    /// The client's `x-request-id`, or one that the host made.
    pub id: String,
    /// Set when the instance was stopped at its CPU deadline.
    pub over_cpu: std::sync::atomic::AtomicBool,
    /// The instance that answers, once it is known.
    pub instance: OnceLock<std::sync::Weak<Activity>>,
}

impl RequestContext {
    /// The context of a request that already carries its id.
    pub(crate) fn of<B>(request: &http::Request<B>) -> Self {
        let id = request
            .headers()
            .get(crate::serve::REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        Self {
            id: id.to_owned(),
            over_cpu: false.into(),
            instance: OnceLock::new(),
        }
    }
}

/// Why a request has no answer from its component.
#[derive(Debug)]
pub(crate) enum CallError {
    /// No instance became free in time.
    Busy,
    /// The CPU deadline passed.
    OverCpu,
    /// The instance trapped or couldn't be made.
    Crashed,
    /// The component answered with an error code in place of a response.
    Refused(String),
}

/// What one component's instances share.
pub(crate) struct Grants {
    /// The component's id.
    pub id: Arc<str>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
    /// Its files.
    pub preopens: Vec<crate::files::Preopen>,
    /// Its variables.
    pub variables: BTreeMap<String, String>,
    /// The key-value stores it may open, by label.
    pub key_value: HashMap<String, KeyValue>,
    /// The databases it may open, by label.
    pub sqlite: HashMap<String, Arc<Database>>,
    /// Where it may send requests.
    pub outbound: Outbound,
    /// Where its output goes.
    pub logs: Logs,
    /// The limits.
    pub limits: Limits,
    /// One permit per live instance, shared by all components.
    pub permits: Arc<Semaphore>,
    /// Cancelled when the host drains.
    pub drain: CancellationToken,
}

/// The data of one instance's store.
pub(crate) struct Context {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    inbound: Inbound,
    outbound: Outbound,
    limits: StoreLimits,
    /// Handles that the guest holds.
    pub table: ResourceTable,
    /// What the component may use.
    pub grants: Arc<Grants>,
    _permit: OwnedSemaphorePermit,
}

/// Marks [`Context`] as the state behind the Spin interfaces.
pub(crate) struct Spin;

impl HasData for Spin {
    type Data<'a> = &'a mut Context;
}

impl WasiView for Context {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Context {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

fn inbound_view(context: &mut Context) -> WasiHttpCtxView<'_> {
    WasiHttpCtxView {
        hooks: &mut context.inbound,
        table: &mut context.table,
        ctx: &mut context.http,
    }
}

/// There is no permit for another instance right now.
#[derive(Debug)]
struct AtCapacity;

impl std::fmt::Display for AtCapacity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("all instances are in use")
    }
}

impl std::error::Error for AtCapacity {}

impl Grants {
    /// A store for a new instance, or an error that says that all are in use.
    ///
    /// It fails at once: waiting here would pin the request to this instance while others become free.
    pub(crate) fn store(
        self: &Arc<Self>,
        engine: &Engine,
        activity: &Arc<Activity>,
    ) -> wasmtime::Result<Store<Context>> {
        let permit = self
            .permits
            .clone()
            .try_acquire_owned()
            .map_err(|_| wasmtime::Error::new(AtCapacity))?;
        let mut wasi = WasiCtx::builder();
        wasi.allow_blocking_current_thread(true);
        wasi.envs(&self.environment);
        for preopen in &self.preopens {
            wasi.preopened_dir(&preopen.host, &preopen.guest, FsPerms::ReadOnly)?;
        }
        let (out, err) = (activity.clone(), activity.clone());
        wasi.stdout(
            self.logs
                .stream(&self.id, "stdout", move || out.request_id()),
        );
        wasi.stderr(
            self.logs
                .stream(&self.id, "stderr", move || err.request_id()),
        );
        let context = Context {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            inbound: Inbound,
            outbound: self.outbound.clone(),
            limits: StoreLimitsBuilder::new()
                .memory_size(self.limits.memory)
                .build(),
            table: ResourceTable::new(),
            grants: self.clone(),
            _permit: permit,
        };
        let mut store = Store::new(engine, context);
        store.limiter(|context| &mut context.limits);
        activity.watch(&mut store, self.limits.cpu);
        Ok(store)
    }
}

/// A component that can be called.
pub(crate) struct Function {
    /// What it may use.
    pub grants: Arc<Grants>,
    /// Ready to be instantiated; for cron calls.
    pub pre: InstancePre<Context>,
    http: Option<ProxyHandler<Http>>,
}

struct Http {
    grants: Arc<Grants>,
    pre: ServicePre<Context>,
}

struct Worker {
    grants: Arc<Grants>,
    activity: Arc<Activity>,
}

impl HandlerState for Http {
    type StoreData = Context;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Context, Expiration, Worker>> {
        let activity = Arc::new(Activity::default());
        let mut store = self.grants.store(self.pre.engine(), &activity)?;
        let service = self.pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: inbound_view,
            expiration: Expiration::new(
                activity.clone(),
                self.grants.limits.idle,
                self.grants.drain.clone(),
            ),
            state: Worker {
                grants: self.grants.clone(),
                activity,
            },
        })
    }
}

impl WorkerState for Worker {
    type StoreData = Context;
    type RequestData = Arc<RequestContext>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.grants.limits.reuse {
            ShouldAccept::Never
        } else if concurrent >= self.grants.limits.concurrency {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Context>,
        request: Arc<RequestContext>,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        self.activity.request_started(&request);
        // No limit on waiting: a step may wait two minutes for a model. What is limited is CPU time.
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<Context>, result: wasmtime::Result<()>) {
        // Here and nowhere else is the guest's backtrace.
        if let Err(error) = result
            && !(self.grants.drain.is_cancelled() && self.activity.is_unread())
        {
            self.grants.logs.host(&format!(
                "an instance of {} ended: {error:?}",
                self.grants.id
            ));
        }
        drop(store);
    }
}

impl Function {
    /// Prepares the component of `pre`. A component without `wasi:http/handler@0.3.0` can only be called by cron.
    pub(crate) fn new(
        grants: Grants,
        pre: InstancePre<Context>,
        on_http: bool,
    ) -> wasmtime::Result<Self> {
        let grants = Arc::new(grants);
        let http = if on_http {
            let pre = ServicePre::new(pre.clone())?;
            Some(ProxyHandler::new(Http {
                grants: grants.clone(),
                pre,
            }))
        } else {
            None
        };
        Ok(Self { grants, pre, http })
    }

    /// Answers `request`, waiting for an instance if need be.
    pub(crate) async fn call(
        &self,
        context: Arc<RequestContext>,
        mut request: http::Request<WasiBody>,
    ) -> Result<http::Response<WasiBody>, CallError> {
        let Some(handler) = &self.http else {
            return Err(CallError::Refused("it doesn't speak HTTP".to_owned()));
        };
        let give_up = Instant::now() + self.grants.limits.queue;
        let mut pause = Duration::from_micros(500);
        loop {
            let error = match handler.handle(context.clone(), request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if context.over_cpu.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(CallError::OverCpu);
            }
            match error.downcast::<InstantiationError<Arc<RequestContext>>>() {
                Ok(failed) if failed.error.downcast_ref::<AtCapacity>().is_some() => {
                    if Instant::now() >= give_up {
                        return Err(CallError::Busy);
                    }
                    // Trying again lets the request go to an instance that became free meanwhile.
                    request = failed
                        .request
                        .into_inner()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(10));
                }
                Ok(failed) => {
                    self.grants.logs.host(&format!(
                        "{} can't be started: {:?}",
                        self.grants.id, failed.error
                    ));
                    return Err(CallError::Crashed);
                }
                Err(error) if error.is::<wasmtime_wasi_http::handler::TrapOrPanicError>() => {
                    return Err(CallError::Crashed);
                }
                Err(error) if error.is::<wasmtime::Trap>() => return Err(CallError::Crashed),
                Err(error) => return Err(CallError::Refused(format!("{error:#}"))),
            }
        }
    }
}

/// All components, for calls among them.
#[derive(Default)]
pub(crate) struct Directory {
    functions: OnceLock<HashMap<String, Function>>,
    router: OnceLock<crate::routes::Router>,
    address: Mutex<String>,
}

impl Directory {
    /// Fills the directory. It is empty while components are compiled, since they refer to it.
    pub(crate) fn fill(
        &self,
        functions: HashMap<String, Function>,
        router: crate::routes::Router,
        address: String,
    ) {
        let _ = self.functions.set(functions);
        let _ = self.router.set(router);
        *crate::locked(&self.address) = address;
    }

    /// The component with this id.
    pub(crate) fn function(&self, id: &str) -> Option<&Function> {
        self.functions.get()?.get(id)
    }

    /// The public routes.
    pub(crate) fn router(&self) -> Option<&crate::routes::Router> {
        self.router.get()
    }

    /// A call from one component to another, whose route may be private.
    pub(crate) async fn call(
        &self,
        id: &str,
        context: Arc<RequestContext>,
        mut request: http::Request<WasiBody>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let function = self.function(id).filter(|function| function.http.is_some());
        let function = function.ok_or(Error::DestinationNotFound)?;
        crate::headers::chained(&mut request);
        function.call(context, request).await.map_err(guest_error)
    }

    /// A call from a component to one of the application's public routes.
    pub(crate) async fn call_own(
        &self,
        context: Arc<RequestContext>,
        mut request: http::Request<WasiBody>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let address = crate::locked(&self.address).clone();
        let router = self.router().ok_or(Error::DestinationUnavailable)?;
        let (id, pattern, captures) = router
            .find(request.uri().path())
            .ok_or(Error::DestinationNotFound)?;
        let function = self.function(id).ok_or(Error::DestinationNotFound)?;
        crate::headers::routed(&mut request, &address, "127.0.0.1:0", pattern, &captures);
        function.call(context, request).await.map_err(guest_error)
    }
}

fn guest_error(error: CallError) -> Error {
    match error {
        CallError::Busy => Error::ConnectionLimitReached,
        CallError::OverCpu => Error::HttpResponseTimeout,
        CallError::Crashed => Error::ConnectionTerminated,
        CallError::Refused(reason) => Error::InternalError(Some(reason)),
    }
}
