//! A headless Chromium, driven over its debugging pipe: messages of JSON, each ended by a zero byte.
//! What the page complains of on its console is kept, for a test to assert that there is nothing.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long the browser may take for anything.
const LIMIT: Duration = Duration::from_secs(120);

/// The environment variable that names the browser's program.
const CHROMIUM: &str = "MACKEREL_ECS_TEST_CHROMIUM";

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    profile: PathBuf,
    session: Option<String>,
    last_id: u64,
    complaints: Vec<String>,
}

impl Browser {
    /// Starts it with an empty page of this size. Panics, with what to do, when there is none.
    pub async fn start(width: u32, height: u32) -> Browser {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("chromium-{}-{number}", std::process::id()));
        let program = std::env::var_os(CHROMIUM).unwrap_or_else(|| "chromium".into());
        // The pipe is on the descriptors 3 and 4. The page is our own and the user may be root in a
        // container, where the browser's sandbox does not start.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .arg(&program)
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox"])
            .args([
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--force-color-profile=srgb"])
            .args(["--lang=en-US", "--no-proxy-server"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut browser = Browser {
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
            profile,
            session: None,
            last_id: 0,
            complaints: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = target.await["targetId"].clone();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser.resize(width, height).await;
        browser
    }

    /// Gives the page another size.
    pub async fn resize(&mut self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Lets the page see a person who wants `light` or `dark`.
    pub async fn prefer(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await;
    }

    /// Goes to an address and waits until the page's script has shown its view.
    pub async fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url })).await;
        self.shown().await;
    }

    /// Follows the link or presses the button that the selector finds, with the mouse.
    pub async fn click(&mut self, selector: &str) {
        let script = format!(
            "const found = document.querySelector({selector:?}); found.scrollIntoView({{ block: 'nearest', behavior: 'instant' }}); \
             const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2];"
        );
        let place = self.run(&script).await;
        self.mouse("mouseMoved", &place, 0).await;
        self.mouse("mousePressed", &place, 1).await;
        self.mouse("mouseReleased", &place, 1).await;
    }

    /// Moves the mouse to a place in the window, in pixels.
    pub async fn point(&mut self, x: f64, y: f64) {
        self.mouse("mouseMoved", &json!([x, y]), 0).await;
    }

    /// Draws the pressed mouse from one place to another.
    pub async fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        let (from, to) = (json!([from.0, from.1]), json!([to.0, to.1]));
        self.mouse("mouseMoved", &from, 0).await;
        self.mouse("mousePressed", &from, 1).await;
        self.mouse("mouseMoved", &to, 1).await;
        self.mouse("mouseReleased", &to, 1).await;
    }

    /// Presses a key that has a name, such as `ArrowLeft`.
    pub async fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Waits until the view of a new document is there.
    pub async fn shown(&mut self) {
        self.wait("performance.getEntriesByName('shown').length > 0")
            .await;
    }

    /// Waits until an expression is true and gives its value. The document may change meanwhile.
    pub async fn wait(&mut self, expression: &str) -> Value {
        let script = format!(
            "return new Promise((done) => {{ \
               const look = () => {{ let value; try {{ value = {expression}; }} catch (error) {{ value = null; }} \
               if (value) done(value); else setTimeout(look, 20); }}; look(); }});"
        );
        let told = expression.to_owned();
        let waited = tokio::time::timeout(LIMIT, async {
            loop {
                if let Ok(value) = self.try_run(&script).await {
                    return value;
                }
            }
        });
        match waited.await {
            Ok(value) => value,
            Err(_) => panic!("not true after {LIMIT:?}: {told}"),
        }
    }

    /// Runs a script in the page as the body of a function and gives what it returns.
    pub async fn run(&mut self, script: &str) -> Value {
        match self.try_run(script).await {
            Ok(value) => value,
            Err(error) => panic!("{error}\nin {script}"),
        }
    }

    /// What a person would see, as a PNG.
    pub async fn screenshot(&mut self) -> Vec<u8> {
        let picture = self.call(
            "Page.captureScreenshot",
            json!({ "format": "png", "optimizeForSpeed": false }),
        );
        let picture = picture.await;
        aws_smithy_types::base64::decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// Asserts that no script failed and nothing was forbidden by the page's policy.
    #[track_caller]
    pub fn expect_no_complaint(&self) {
        assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
    }

    async fn mouse(&mut self, kind: &str, place: &Value, count: u32) {
        let button = if count > 0 { "left" } else { "none" };
        let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": button, "clickCount": count });
        self.call("Input.dispatchMouseEvent", event).await;
    }

    async fn try_run(&mut self, script: &str) -> Result<Value, String> {
        let expression = format!("(async () => {{ {script} }})()");
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.try_call("Runtime.evaluate", params).await?;
        match answer.get("exceptionDetails") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        match self.try_call(method, params).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    async fn try_call(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // A browser that is missing or has ended shows when it is read from.
        let _ = self.input.write_all(&bytes).await;
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return match message.get("error") {
                    Some(error) => Err(error.to_string()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.note(&message);
        }
    }

    async fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(LIMIT, self.output.read_until(0, &mut bytes)).await;
        match read {
            Ok(Ok(size)) if size > 0 => {}
            _ => panic!(
                "Chromium does not answer; run `make test`, which installs it, or name it in {CHROMIUM}"
            ),
        }
        bytes.pop();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let is_complaint = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => params["entry"]["level"] == "error",
            Some("Runtime.consoleAPICalled") => params["type"] == "error",
            _ => false,
        };
        if is_complaint {
            self.complaints.push(params.to_string());
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.start_kill();
        // The browser may still be writing there; what is left is in the build's own folder.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
