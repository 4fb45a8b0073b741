use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::oneshot;

/// A socket that listens, and whose connections wait for [`Listener::serve`].
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens; port 0 is any free one.
    ///
    /// # Errors
    ///
    /// When the address can't be used.
    pub fn bind(listen: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(listen)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers on a thread called `name`, so that it needs no runtime and outlives the caller's. `answer` gets a
    /// request and the caller's address; its error closes the connection. `beside` is run on the same thread.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn serve<A, F, B>(
        self,
        name: &str,
        answer: A,
        beside: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Server>
    where
        A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
        F: Future<Output = io::Result<Response<B>>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let Ok(runtime) = runtime else { return };
                runtime.block_on(async {
                    tokio::spawn(beside);
                    tokio::select! {
                        result = connections(self.socket, answer) => drop(result),
                        _ = stopped => {}
                    }
                });
                // What an answer still does on another thread is not waited for.
                runtime.shutdown_background();
            })?;
        Ok(Server {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// A server that answers. When it is dropped, open connections close, and then the port is free.
#[derive(Debug)]
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn connections<A, F, B>(socket: TcpListener, answer: A) -> io::Result<Infallible>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + 'static,
    F: Future<Output = io::Result<Response<B>>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let listener = tokio::net::TcpListener::from_std(socket)?;
    loop {
        let (stream, peer) = listener.accept().await?;
        let answer = answer.clone();
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .title_case_headers(true)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| answer(request, peer)),
            );
        // An error here is a caller that went away, or a connection that was meant to break.
        tokio::spawn(async move { drop(connection.await) });
    }
}
