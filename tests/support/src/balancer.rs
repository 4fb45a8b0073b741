use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{Client, Reply};

/// One address for several hosts: requests go to each in turn, and what a host does not answer goes to the next one, as
/// load balancers do.
pub(crate) struct Balancer {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    hosts: Mutex<Vec<Client>>,
    next: AtomicUsize,
    is_over: AtomicBool,
}

impl Balancer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let inner: Arc<Inner> = Arc::default();
        let shared = Arc::clone(&inner);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if shared.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A caller that hangs up gets no answer.
                    let _ = shared.serve(&connection);
                });
            }
        });
        Self { address, inner }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The hosts from now on.
    pub(crate) fn set(&self, hosts: Vec<Client>) {
        *self.inner.hosts.lock().unwrap() = hosts;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.inner.is_over.store(true, Ordering::Relaxed);
        // It sees that when the next connection comes.
        let _ = TcpStream::connect(self.address);
    }
}

struct Received {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Inner {
    fn serve(&self, mut connection: &TcpStream) -> std::io::Result<()> {
        let Some(received) = read(connection)? else {
            return Ok(());
        };
        let hosts = self.hosts.lock().unwrap().clone();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = (0..hosts.len())
            .map(|turn| &hosts[(first + turn) % hosts.len()])
            .find_map(|host| forward(host, &received).ok());
        let (status, body) = answer.map_or((502, Vec::new()), |reply| (reply.status, reply.body));
        let head = format!(
            "HTTP/1.1 {status} Forwarded\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes())?;
        connection.write_all(&body)
    }
}

fn read(connection: &TcpStream) -> std::io::Result<Option<Received>> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        match name.as_str() {
            "content-length" => length = value.parse().unwrap_or_default(),
            "host" | "connection" | "accept-encoding" => {}
            _ => headers.push((name, value)),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Received {
        method,
        path,
        headers,
        body,
    }))
}

fn forward(host: &Client, received: &Received) -> Result<Reply, String> {
    let mut request = host
        .request(&received.method, &received.path)
        .bytes("", &received.body);
    for (name, value) in &received.headers {
        request = request.header(name, value);
    }
    request.try_send()
}
