import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// `sparrow train` as a person calls it.
struct TrainCommandTests {
  private let mlp = Repository.fixture("digits-mlp.onnx")
  private let cnn = Repository.fixture("digits-cnn.onnx")
  private let data = Repository.fixture("digits.npz")

  private func zeros(_ path: String) throws -> Double {
    let weights = try Model.load(path: path).graph.weightTensors
    let all = weights.reduce(0) { $0 + $1.count }
    return Double(weights.reduce(0) { $0 + $1.doubles.count { $0 == 0 } }) / Double(all)
  }

  /// The first samples of the digits, for runs of moments.
  private func few(_ count: Int, in folder: TemporaryFolder) throws -> String {
    let path = folder.path("few.npz")
    let archive = try NPZArchive(path: data)
    let arrays = try archive.names.map { name in
      let tensor = try archive.tensor(named: name)
      let bytes = try #require(tensor.denseBytes)
      let size = bytes.count / tensor.shape[0] * count
      return (
        name,
        Tensor(
          dtype: tensor.dtype, shape: [count] + tensor.shape.dropFirst(),
          bytes: bytes.slice(0, size))
      )
    }
    try NPZ.write(arrays, to: path)
    return path
  }

  @Test func gradualPruningWritesWhatItSays() throws {
    let folder = try TemporaryFolder()
    let (output, metrics) = (folder.path("out.onnx"), folder.path("epochs.csv"))
    let outcome = try CommandLineTool.run(
      "train", mlp, output, "--data", data, "--epochs", "2", "--sparsity", "0.8", "--batch", "128",
      "--metrics", metrics, "--threads", "1")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("sparsity 80.0"))
    #expect(abs(try zeros(output) - 0.8) < 1e-3)
    let lines = try String(contentsOfFile: metrics, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("epoch,steps,learning_rate,loss,accuracy,"))
    #expect(lines[2].hasPrefix("2,20,"))
    #expect(folder.contents == ["epochs.csv", "out.onnx"])
    let evaluated = try CommandLineTool.run("evaluate", output, "--data", data)
    let said = try #require(
      lines[2].split(separator: ",").dropFirst(6).first.flatMap { Double($0) })
    #expect(evaluated.output.contains(String(format: "top1 %.2f %%", said * 100)))
  }

  @Test func gatedNetworksAreWrittenWithAndWithoutGates() throws {
    let folder = try TemporaryFolder()
    let (new, gated, dense) = (
      folder.path("new.onnx"), folder.path("gated.sparrow"), folder.path("dense.onnx")
    )
    let (recipe, metrics) = (folder.path("r.yaml"), folder.path("epochs.csv"))
    try """
    version: 1
    train:
      epochs: 1
      batch: 16
      loss: {name: vicreg}
      gating: {target: 0.5}
      augmentation: {crop: 1, flip: true}
    """.write(toFile: recipe, atomically: true, encoding: .utf8)
    let made = try CommandLineTool.run(
      "new", "resnet8-gated", "--input-shape", "1,8,8", "--width", "0.25", "--classes", "12", "-o",
      new)
    #expect(made.status == 0, "\(made.errors)")
    let data = try few(48, in: folder)
    let outcome = try CommandLineTool.run(
      "train", new, gated, "--data", data, "--recipe", recipe, "--dense-output", dense,
      "--metrics", metrics, "--threads", "1")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("multiply-adds "))
    #expect(try Model.load(path: new).graph.hasChannelGates)
    let graph = try Model.load(path: dense).graph
    #expect(!graph.hasChannelGates && graph.values.contains { $0.name == "features" })
    let images = Tensor([Float](repeating: 1, count: 64), shape: [1, 1, 8, 8])
    for path in [gated, dense] {
      let model = try Model.load(path: path)
      #expect(try model.session().run([images])[0].shape == [1, 12])
    }
    // Another loss has no second network.
    let refused = try CommandLineTool.run(
      "train", new, gated, "--data", data, "--dense-output", dense)
    #expect(refused.status == 2 && refused.errors.contains("--dense-output"))
  }

  @Test func oneShotPruningThenTrainingKeepsTheMask() throws {
    let folder = try TemporaryFolder()
    let (pruned, tuned) = (folder.path("pruned.onnx"), folder.path("tuned.onnx"))
    #expect(
      try CommandLineTool.run("compress", cnn, pruned, "--sparsity", "0.7", "-q").status == 0)
    let outcome = try CommandLineTool.run(
      "train", cnn, tuned, "--data", try few(64, in: folder), "--epochs", "1", "--batch", "32",
      "--method", "fixed", "--sparsity", "0.7", "--augment", "crop=1", "--metrics",
      folder.path("m.jsonl"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let (a, b) = (try Model.load(path: pruned).graph, try Model.load(path: tuned).graph)
    for (x, y) in zip(a.weightTensors, b.weightTensors) {
      #expect(x.doubles.map { $0 == 0 } == y.doubles.map { $0 == 0 })
      #expect(x != y)
    }
    let line = try String(contentsOfFile: folder.path("m.jsonl"), encoding: .utf8)
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    let known = EpochMetrics.columnNames.filter { !$0.hasSuffix("macs") }
    #expect(Set(object?.keys ?? [:].keys) == Set(known))
  }

  /// Killed again and again, the command ends with the same bytes.
  @Test func killedRunsEndTheSame() throws {
    let folder = try TemporaryFolder()
    func arguments(_ output: String) -> [String] {
      [
        "train", mlp, folder.path(output), "--data", data, "--epochs", "4", "--method", "movement",
        "--sparsity", "0.9", "--threads", "1", "--checkpoint-every", "0.1", "-q",
      ]
    }
    #expect(try CommandLineTool.run(arguments("whole.onnx")).status == 0)
    var random = SeededGenerator(seed: 5)
    for _ in 0..<4 {
      let process = Process()
      process.executableURL = CommandLineTool.executable
      process.arguments = arguments("parts.onnx")
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      usleep(UInt32.random(in: 100_000..<700_000, using: &random))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(try CommandLineTool.run(arguments("parts.onnx")).status == 0)
    let files = FileManager.default
    #expect(
      files.contents(atPath: folder.path("whole.onnx"))
        == files.contents(atPath: folder.path("parts.onnx")))
    #expect(folder.contents == ["parts.onnx", "whole.onnx"])
  }

  @Test func checkpointsOfOtherRunsAreRefused() throws {
    let folder = try TemporaryFolder()
    let output = folder.path("out.onnx")
    try Data("nonsense".utf8).write(to: URL(fileURLWithPath: output + ".checkpoint"))
    let outcome = try CommandLineTool.run(
      "train", mlp, output, "--data", data, "--epochs", "1")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("remove the file"))
    #expect(folder.contents == ["out.onnx.checkpoint"])
  }
}

extension Graph {
  /// The weights of convolutions and matrix products, in order.
  fileprivate var weightTensors: [Tensor] { weights().compactMap { self[$0.value].constant } }
}
