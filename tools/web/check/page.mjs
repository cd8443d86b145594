// Uses the page in headless Chromium as somebody would who chooses each sample and draws, and checks what it answers:
// page.mjs CHROMIUM WEB PICTURE.png
//
// WEB is served on 127.0.0.1; the browser is spoken to through a pipe (Chrome DevTools Protocol).
import {spawn} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createServer} from "node:http";
import {tmpdir} from "node:os";
import {basename, extname, join} from "node:path";

const [program, web, picture] = process.argv.slice(2);
const LONGEST = 60_000;
const KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".wasm": "application/wasm"};

/** Answers requests for the files of a folder, not of those in it. */
function serve(folder) {
  const server = createServer((request, response) => {
    const name = basename(new URL(request.url, "http://localhost").pathname);
    try {
      const bytes = readFileSync(join(folder, name));
      response.writeHead(200, {"Content-Type": KINDS[extname(name)] ?? "application/octet-stream"}).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

class Browser {
  #process;
  #session;
  #sent = 0;
  #waiting = new Map();

  constructor(profile) {
    const flags = ["--headless", "--disable-gpu", "--remote-debugging-pipe", `--user-data-dir=${profile}`];
    // Chromium has no sandbox for root.
    if (process.getuid() === 0) flags.push("--no-sandbox");
    this.#process = spawn(program, flags, {stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"]});
    let rest = "";
    this.#process.stdio[4].on("data", (bytes) => {
      const messages = (rest + bytes).split("\0");
      rest = messages.pop();
      messages.forEach((message) => this.#receive(JSON.parse(message)));
    });
  }

  #receive({id, result, error}) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.refuse(new Error(error.message));
    else waiting?.accept(result);
  }

  send(method, params = {}) {
    const id = ++this.#sent;
    this.#process.stdio[3].write(`${JSON.stringify({id, method, params, sessionId: this.#session})}\0`);
    return new Promise((accept, refuse) => this.#waiting.set(id, {accept, refuse}));
  }

  async open(url) {
    const {targetId} = await this.send("Target.createTarget", {url: "about:blank"});
    this.#session = (await this.send("Target.attachToTarget", {targetId, flatten: true})).sessionId;
    await this.send("Emulation.setDeviceMetricsOverride", {width: 1100, height: 660, deviceScaleFactor: 1, mobile: false});
    await this.send("Page.navigate", {url});
  }

  async evaluate(expression) {
    const {result, exceptionDetails} = await this.send("Runtime.evaluate", {expression, returnByValue: true});
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception.description}`);
    return result.value;
  }

  /** Presses the mouse at the first of points and moves it over the others. */
  async drag(points) {
    const mouse = (type, [x, y]) =>
      this.send("Input.dispatchMouseEvent", {type, x, y, button: "left", buttons: 1, clickCount: 1});
    await mouse("mousePressed", points[0]);
    for (const point of points.slice(1)) await mouse("mouseMoved", point);
    await mouse("mouseReleased", points.at(-1));
  }

  async photograph(path) {
    const {data} = await this.send("Page.captureScreenshot");
    writeFileSync(path, Buffer.from(data, "base64"));
  }

  end() {
    const ended = new Promise((done) => this.#process.once("exit", done));
    this.#process.kill();
    return ended;
  }
}

const answer = (browser) => browser.evaluate("document.body.dataset.answer");

async function draw(browser, points) {
  await browser.evaluate("document.getElementById('clear').click()");
  const [left, top, size] = await browser.evaluate(
    "(({left, top, width}) => [left, top, width])(document.getElementById('drawing').getBoundingClientRect())");
  await browser.drag(points.map(([x, y]) => [left + x * size, top + y * size]));
  return answer(browser);
}

async function check(browser, url) {
  await browser.open(url);
  while (await browser.evaluate("document.body?.dataset.state") !== "ready") {
    const failure = await browser.evaluate("document.querySelector('.failed')?.textContent");
    if (failure) throw new Error(failure);
    await new Promise((done) => setTimeout(done, 50));
  }
  let samples = "";
  for (let digit = 0; digit < 10; digit++) {
    await browser.evaluate(`document.querySelectorAll("#samples button")[${digit}].click()`);
    samples += await answer(browser);
  }
  const ring = Array.from({length: 33}, (_, i) => [
    0.5 + 0.25 * Math.sin(i * Math.PI / 16), 0.5 - 0.4 * Math.cos(i * Math.PI / 16)]);
  const drawn = [await draw(browser, ring), await draw(browser, [[0.25, 0.15], [0.75, 0.15], [0.45, 0.9]])];
  await browser.photograph(picture);
  const found = `samples ${samples}, drawn ${drawn.join(" ")}`;
  const expected = "samples 0123456789, drawn 0 7";
  if (found !== expected) throw new Error(`the page answers '${found}', expected '${expected}'`);
  return `${found}; ${await browser.evaluate("document.getElementById('status').textContent")}`;
}

const profile = mkdtempSync(join(tmpdir(), "sparrow-web-"));
const server = await serve(web);
const browser = new Browser(profile);
const late = new Promise((_, refuse) => setTimeout(() => refuse(new Error("the page takes too long")), LONGEST).unref());
try {
  console.log(`web ok: ${await Promise.race([check(browser, `http://127.0.0.1:${server.address().port}/index.html`), late])}`);
} catch (error) {
  console.error(`web: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.end();
  server.close();
  server.closeAllConnections();
  // Chromium's last processes may still write there.
  rmSync(profile, {recursive: true, force: true, maxRetries: 20, retryDelay: 250});
}
