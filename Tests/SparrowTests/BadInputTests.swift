import Foundation
import SparrowTestSupport
import Testing

/// Damaged and hostile files: exit status 2, one message that names the file, nothing left behind.
struct BadInputTests {
  static let files: [String] = {
    let folder = Repository.fixture("malformed")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".onnx") || $0.hasSuffix(".sparrow") }.sorted()
  }()

  @Test func corpusIsThere() { #expect(Self.files.count >= 18) }

  @Test(arguments: files)
  func everyCommandRefuses(_ name: String) throws {
    let file = Repository.fixture("malformed/\(name)")
    let folder = try TemporaryFolder()
    let model = folder.path("model.sparrow")
    let commands = [
      ["inspect", file], ["convert", file, model],
      ["compress", file, model, "--sparsity", "0.5"],
      ["run", file, "-o", folder.path("out.npz")],
    ]
    for arguments in commands {
      let outcome = try CommandLineTool.run(arguments)
      expectOneMessage(outcome, naming: name)
    }
    #expect(folder.contents.isEmpty)
  }

  @Test(arguments: ["digits-mlp.onnx", "digits-mlp.sparrow"])
  func truncatedAnywhere(_ name: String) throws {
    let folder = try TemporaryFolder()
    let whole = folder.path(name)
    let source = Repository.fixture("digits-mlp.onnx")
    if name.hasSuffix(".onnx") {
      try FileManager.default.copyItem(atPath: source, toPath: whole)
    } else {
      #expect(try CommandLineTool.run("convert", source, whole).status == 0)
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: whole))
    try FileManager.default.removeItem(atPath: whole)
    for part in [0, 1, 7, 63, data.count / 3, data.count / 2, data.count - 1] {
      try data.prefix(part).write(to: URL(fileURLWithPath: whole))
      let output = folder.path("out.sparrow")
      expectOneMessage(try CommandLineTool.run("convert", whole, output), naming: name)
      #expect(folder.contents == [name])
    }
  }

  @Test func flippedBytesOfAContainerAreNoticed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.sparrow")
    let source = Repository.fixture("digits-mlp.onnx")
    #expect(try CommandLineTool.run("convert", source, path).status == 0)
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    for offset in [0, 9, 70, data.count / 2, data.count - 1] {
      var damaged = data
      damaged[offset] ^= 0x40
      try damaged.write(to: URL(fileURLWithPath: path))
      expectOneMessage(try CommandLineTool.run("run", path), naming: "model.sparrow")
    }
  }

  @Test func aRefusedModelLeavesTheOldFileAlone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.sparrow")
    #expect(
      try CommandLineTool.run("convert", Repository.fixture("digits-mlp.onnx"), path).status == 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let cyclic = Repository.fixture("malformed/cyclic.onnx")
    #expect(try CommandLineTool.run("convert", cyclic, path).status == 2)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(folder.contents == ["model.sparrow"])
  }

  private func expectOneMessage(_ outcome: CommandLineTool.Outcome, naming file: String) {
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains(file), "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 1 && lines[0].hasPrefix("sparrow: "), "\(outcome.errors)")
  }
}
