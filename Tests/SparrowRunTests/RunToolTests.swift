import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// `sparrow-run` on the digits network.
@Suite struct RunToolTests {
  private static let digit = Repository.fixture("digit.npy")
  private let folder: TemporaryFolder
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    model = folder.path("digits.sparrow")
    try ContainerWriter.write(try ONNX.read(Repository.fixture("digits-cnn.onnx")), to: model)
  }

  private func run(_ arguments: String..., input: Data = Data()) throws -> RunTool.Outcome {
    try RunTool.run([model] + arguments, input: input)
  }

  private func scores(_ outcome: RunTool.Outcome) throws -> Tensor {
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try NPY.parse(Bytes(copying: Array(outcome.bytes)))
  }

  @Test func sumsUpOutputs() throws {
    let outcome = try run("-i", "image=\(Self.digit)")
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("logits: f32[1,10]\n  top 5: 8 ("))
  }

  @Test func filesAndStreamsHoldTheSameOutput() throws {
    let npy = try Data(contentsOf: URL(fileURLWithPath: Self.digit))
    let expected = try scores(try run("-i", "image=\(Self.digit)", "-o", "-"))
    #expect(expected.shape == [1, 10])
    #expect(try scores(try run("-i", "image=-", "-o", "-", input: npy)) == expected)
    for name in ["scores.npy", "scores.npz", "scores.raw"] {
      let outcome = try run("-q", "--input=image=\(Self.digit)", "-o", folder.path(name))
      #expect(outcome.status == 0 && outcome.output.isEmpty)
    }
    #expect(try NPY.read(folder.path("scores.npy")) == expected)
    #expect(
      try NPZArchive(path: folder.path("scores.npz")).tensor(named: "logits") == expected)
    let raw = try Data(contentsOf: URL(fileURLWithPath: folder.path("scores.raw")))
    #expect(raw == Data(NPY.elements(of: expected).array(of: UInt8.self)))
    let elements = Data(npy.suffix(256))
    let given = folder.path("image.f32")
    try elements.write(to: URL(fileURLWithPath: given))
    #expect(try scores(try run("-i", "image=\(given)", "-o", "-")) == expected)
    #expect(try run("-i", "image=-", "-o", "-", "--raw", input: elements).bytes == raw)
  }

  @Test(arguments: [1, 3]) func streamsRunAsOftenAsInputsCome(count: Int) throws {
    let npy = try Data(contentsOf: URL(fileURLWithPath: Self.digit))
    let one = try run("-i", "image=\(Self.digit)", "-o", "-").bytes
    let all = Data((0..<count).flatMap { _ in npy })
    let outcome = try run("--stream", input: all)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.bytes == Data((0..<count).flatMap { _ in one }))
    let elements = Data((0..<count).flatMap { _ in npy.suffix(256) })
    let raw = try run("--stream", "--raw", input: elements)
    #expect(raw.bytes == Data((0..<count).flatMap { _ in one.suffix(40) }))
  }

  /// The answers before the end are given; then comes the error.
  @Test func aStreamThatIsCutOffFails() throws {
    let npy = try Data(contentsOf: URL(fileURLWithPath: Self.digit))
    for cut in [1, 9, 100, npy.count - 1] {
      let outcome = try run("--stream", input: npy + npy.prefix(cut))
      #expect(outcome.status == 2 && outcome.errors.contains("standard input"))
      #expect(try NPY.parse(Bytes(copying: Array(outcome.bytes))).shape == [1, 10])
    }
    let raw = try run("--stream", "--raw", input: Data(npy.suffix(256) + [1, 2, 3]))
    #expect(raw.status == 2 && raw.bytes.count == 40)
    #expect(raw.errors.contains("set 1: input 'image' is f32[1,1,8,8], 256 bytes, found 3"))
  }

  @Test func benchmarksWriteTheKeysOfTheBigProgram() throws {
    let file = folder.path("times.json")
    let outcome = try run(
      "--benchmark", "-t", "0.05", "-w", "0", "-b", "2", "--threads", "1", "--json", file)
    #expect(outcome.status == 0 && outcome.output.contains("latency     median"))
    let value = try JSONSerialization.jsonObject(
      with: try Data(contentsOf: URL(fileURLWithPath: file)))
    let report = try #require(value as? [String: Any])
    let latency = try #require(report["latency_ms"] as? [String: Double])
    #expect(Set(latency.keys) == ["median", "mean", "min", "p95", "p99"])
    #expect(report["batch"] as? Int == 2)
    #expect((report["input_shapes"] as? [String: [Int]])?["image"] == [2, 1, 8, 8])
    let keys = ["throughput", "threads", "model", "isa", "peak_memory_bytes", "iterations"]
    for key in keys { #expect(report[key] != nil) }
  }

  @Test func describes() throws {
    let outcome = try run("--describe")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("input image") && outcome.output.contains("f32[batch,1,8,8]"))
  }

  @Test(arguments: [
    (["--threads", "0"], "--threads is '0', expected 1 to 256"),
    (["--nothing"], "the option --nothing is unknown"),
    (["--benchmark", "--stream"], "exclude each other"),
    (["--quiet=1"], "--quiet takes no value"),
    (["-o"], "-o needs a value"),
    (["more"], "one word too many"),
    (["-t", "-1", "--benchmark"], "-t is '-1', expected 0 to 86400 seconds"),
    (["--tuning", "best"], "expected off, quick or full"),
    (["-i", "image"], "expected NAME=FILE.npy"),
    (["-i", "picture=fixtures/digit.npy"], "there is no input 'picture'; the inputs are 'image'"),
    (["-i", "image=nowhere.npy"], "cannot open nowhere.npy"),
    (["-i", "image=README.md"], "input 'image' is f32[1,1,8,8]: 256 bytes"),
    (["-i", "image=fixtures/digits.npz:nothing"], "there is no array 'nothing'"),
    (["--input-shapes", "image"], "expected NAME:1,3,224,224"),
    (["--json", "x.json"], "--json is for --benchmark"),
    (["--stream", "-o", "x.npz"], "-o is for a single run"),
  ])
  func badUsesAreTold(arguments: [String], message: String) throws {
    let outcome = try RunTool.run([model] + arguments)
    #expect(outcome.status == 2 && outcome.errors.contains(message), "\(outcome.errors)")
    #expect(outcome.bytes.isEmpty)
  }

  /// The program with a model appended is one file that needs no other, and gives the same answer.
  @Test func bundlesRunByThemselves() throws {
    let digits = try Model.load(path: model)
    let app = folder.path("app")
    try digits.bundle(withRuntime: RunTool.executable.path, to: app)
    let program = URL(fileURLWithPath: app)
    let alone = try Data(contentsOf: RunTool.executable).count
    let size = try Data(contentsOf: program).count
    #expect(size - alone - (try Data(contentsOf: URL(fileURLWithPath: model)).count) <= 1024)
    let expected = try run("-i", "image=\(Self.digit)")
    let found = try RunTool.run(["-i", "image=\(Self.digit)"], program: program)
    #expect(found.status == 0 && found.output == expected.output, "\(found.errors)")
    #expect(try RunTool.run([model], program: program).errors.contains("one word too many"))
    #expect(try RunTool.run(["--help"], program: program).output.contains("USAGE: app"))
    #expect(throws: SparrowError.self) {
      try digits.bundle(withRuntime: app, to: folder.path("again"))
    }
    #expect(throws: SparrowError.self) {
      try digits.bundle(withRuntime: model, to: folder.path("again"))
    }
    #expect(!folder.contents.contains("again"))
    var damaged = try Data(contentsOf: program)
    damaged[damaged.count - 9] = 0x7f
    try damaged.write(to: program)
    let outcome = try RunTool.run([], program: program)
    #expect(outcome.status == 2 && outcome.errors.contains("it is damaged"))
  }

  @Test func otherFilesAreRefused() throws {
    let outcome = try RunTool.run([Repository.fixture("digits-cnn.onnx")])
    #expect(outcome.status == 2 && outcome.errors.contains("digits-cnn.onnx"))
    #expect(try RunTool.run([]).status == 2)
  }

  @Test func helpAndVersionAreAnswers() throws {
    #expect(try RunTool.run(["--help"]).output.contains("USAGE: sparrow-run MODEL.sparrow"))
    #expect(try RunTool.run(["--version"]).output == "0.1.0\n")
  }

  @Test func versionIsThatOfTheLibrary() throws {
    let header = try String(
      contentsOf: Repository.root.appendingPathComponent("Sources/CSparrow/include/sparrow.h"),
      encoding: .utf8)
    let version = try RunTool.run(["--version"]).output
      .trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(!version.isEmpty && header.contains("#define SPARROW_VERSION \"\(version)\""))
  }
}
