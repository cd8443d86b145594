import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Networks taught other classes, as a person does it.
struct TransferTests {
  private let cnn = Repository.fixture("digits-cnn.onnx")
  private let mlp = Repository.fixture("digits-mlp.onnx")
  private let data = Repository.fixture("digits.npz")

  private func lastLine(_ path: String) throws -> [String: Double] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let last = try #require(lines.last)
    return Dictionary(
      uniqueKeysWithValues: zip(lines[0], last).compactMap { name, value in
        Double(value).map { (name, $0) }
      })
  }

  private func zeros(_ graph: Graph) -> [String: [Bool]] {
    var result: [String: [Bool]] = [:]
    for use in graph.weights() {
      result[graph[use.value].name] = graph[use.value].constant?.doubles.map { $0 == 0 }
    }
    return result
  }

  /// Only the head differs, and it tells the new classes apart.
  @Test(arguments: ["digits-cnn.onnx", "digits-mlp.onnx"])
  func linearTransfer(_ network: String) throws {
    let folder = try TemporaryFolder()
    let (input, output) = (Repository.fixture(network), folder.path("out.onnx"))
    let outcome = try CommandLineTool.run(
      "train", input, output, "--data", data, "--classes", "5-9", "--head", "5",
      "--backbone", "frozen", "--epochs", "20", "--metrics", folder.path("m.csv"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let (before, after) = (
      try Model.load(path: input).cleaned().graph, try Model.load(path: output).graph
    )
    let kept = Set(after.values.filter { $0.constant != nil }.map { $0.name })
    #expect(kept.isSuperset(of: ["head.weight", "head.bias"]))
    for value in before.values {
      guard let tensor = value.constant, kept.contains(value.name) else { continue }
      #expect(after.values.first { $0.name == value.name }?.constant == tensor, "\(value.name)")
    }
    let last = try lastLine(folder.path("m.csv"))
    #expect(try #require(last["test_accuracy"]) > 0.85)
    let json = folder.path("e.json")
    let evaluated = try CommandLineTool.run(
      "evaluate", output, "--data", data, "--classes", "5-9", "--metric", "mean-per-class",
      "--json", json)
    #expect(evaluated.status == 0 && evaluated.output.contains("mean-per-class "))
    let facts = try JSONDecoder().decode(
      Evaluation.self, from: try Data(contentsOf: URL(fileURLWithPath: json)))
    #expect(facts.top1 == last["test_accuracy"])
    #expect(facts.mean_per_class_accuracy == last["test_mean_per_class_accuracy"])
    #expect(facts.samples < 450)
  }

  /// The mask of the weights that were pruned stays; the head is dense.
  @Test func fullTransferKeepsTheMask() throws {
    let folder = try TemporaryFolder()
    let (pruned, output) = (folder.path("pruned.onnx"), folder.path("out.onnx"))
    #expect(
      try CommandLineTool.run("compress", cnn, pruned, "--sparsity", "0.8", "-q").status == 0)
    let outcome = try CommandLineTool.run(
      "train", pruned, output, "--data", data, "--classes", "9,1,5", "--limit", "96",
      "--test-limit", "50", "--head", "3", "--method", "fixed", "--epochs", "2", "--batch", "32")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let (a, b) = (try Model.load(path: pruned).graph, try Model.load(path: output).graph)
    let (before, after) = (zeros(a), zeros(b))
    for (name, mask) in after where name != "head.weight" {
      #expect(before[name] == mask, "\(name)")
    }
    #expect(after.values.contains { $0.contains(true) })
    #expect(after["head.weight"]?.contains(true) == false)
    #expect(after.count == before.count)
  }

  /// A fresh head is left out of one-shot pruning too.
  @Test func freshHeadsAreNotPruned() throws {
    let folder = try TemporaryFolder()
    let output = folder.path("out.onnx")
    let outcome = try CommandLineTool.run(
      "train", mlp, output, "--data", data, "--limit", "64", "--test-limit", "32", "--head", "10",
      "--method", "fixed", "--sparsity", "0.9", "--epochs", "1", "--batch", "32")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let masks = zeros(try Model.load(path: output).graph)
    #expect(masks["head.weight"]?.contains(true) == false)
    let others = masks.filter { $0.key != "head.weight" }.values.flatMap { $0 }
    #expect(abs(Double(others.count { $0 }) / Double(others.count) - 0.9) < 1e-3)
  }

  @Test func classesGetNewLabels() throws {
    let model = try SampleSourceTests.mlp()
    let all = try SampleSource(path: SampleSourceTests.digits, for: model)
    let some = try all.selecting(try ClassSelection("7,2-3"))
    let rows = try #require(all.labels).enumerated().filter { [7, 2, 3].contains($0.element) }
    #expect(some.labels == rows.map { [7: 0, 2: 1, 3: 2][$0.element] ?? -1 })
    let expected = rows.flatMap { all.batch($0.offset..<$0.offset + 1)[0].floats ?? [] }
    #expect(some.batch(0..<some.count)[0].floats == expected)
    #expect(try some.fitted(to: model).labels == some.labels)
    #expect(try ClassSelection("0-2,9").labels == [0, 1, 2, 9])
    for text in ["", "a", "3-1", "-1", "1,", "0-70000", "1,1", "0-3,2", "99999999999999999999"] {
      #expect(throws: SparrowError.self, "\(text)") { try ClassSelection(text) }
    }
    #expect(throws: SparrowError.self) { try all.selecting(try ClassSelection("10-12")) }
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    let frozen = ["train", mlp, "x.onnx", "--data", data, "--backbone", "frozen"]
    for (arguments, message) in [
      (frozen + ["--sparsity", "0.5"], "method gmp has nothing to prune"),
      (frozen + ["--augment", "crop=1"], "leave augmentation out"),
      (frozen + ["--teacher", mlp], "leave distillation out"),
      (frozen + ["--memory", "1KB"], "allow more with --memory"),
      (frozen + ["--memory", "some"], "512MB"),
      (frozen + ["--features", "x"], "say with --head"),
      (frozen + ["--head", "0"], "0 classes"),
      (frozen + ["--head", "3", "--features", "zzz"], "no features 'zzz'"),
      (frozen + ["--classes", "x"], "--classes: 'x'"),
      (frozen + ["--limit", "0"], "--limit is 0"),
      (frozen + ["--head", "3"], "scores 3 classes"),
    ] {
      let outcome = try CommandLineTool.run(arguments)
      #expect(outcome.status == 2, "\(message): \(outcome.errors)")
      #expect(outcome.errors.contains(message), "\(message): \(outcome.errors)")
    }
  }
}
