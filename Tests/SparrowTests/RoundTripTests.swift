import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// The commands together, on the models and data of fixtures/.
struct RoundTripTests {
  /// Of an output's largest magnitude, against onnxruntime.
  static let tolerance: Float = 1e-5
  static let features = [
    "constant-nodes", "typed-fields", "opset7-forms", "sparse-initializer", "int8-weights",
    "dynamic-shapes", "external-data",
  ]

  /// Every route a model can take gives the outputs that onnxruntime gave.
  @Test(arguments: features, ["onnx", "onnx as read", "sparrow", "plain.sparrow", "sparrow.onnx"])
  func outputsAreThoseOfTheReference(_ name: String, _ route: String) throws {
    let folder = try TemporaryFolder()
    let source = Repository.fixture("onnx/\(name).onnx")
    let reference = Repository.fixture("onnx/\(name).npz")
    var model = source
    if !route.hasPrefix("onnx") {
      model = folder.path("model.sparrow")
      let flags = route == "plain.sparrow" ? ["--no-optimize"] : []
      #expect(try CommandLineTool.run(["convert", source, model] + flags).status == 0)
    }
    if route == "sparrow.onnx" {
      let back = folder.path("back.onnx")
      #expect(try CommandLineTool.run("convert", model, back).status == 0)
      model = back
    }
    let out = folder.path("out.npz")
    let flags = route == "onnx as read" ? ["--no-optimize"] : []
    let outcome = try CommandLineTool.run(
      ["run", model, "-i", "x=\(reference):x", "-o", out] + flags)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let found = try loadTensor("\(out):y")
    let expected = try loadTensor("\(reference):y")
    #expect(found.shape == expected.shape)
    let (a, b) = (try #require(expected.floats), try #require(found.floats))
    let largest = a.map { abs($0) }.max() ?? 0
    let gap = zip(a, b).map { abs($0 - $1) }.max() ?? 0
    #expect(gap <= Self.tolerance * largest)
  }

  @Test(arguments: ["digits-cnn", "digits-mlp"])
  func compressEvaluateAndExport(_ name: String) throws {
    let folder = try TemporaryFolder()
    let source = Repository.fixture("\(name).onnx")
    let small = folder.path("small.sparrow")
    let report = folder.path("report.json")
    let compressed = try CommandLineTool.run(
      "compress", source, small, "--sparsity", "0.5", "--exclude", "first", "--report", report)
    #expect(compressed.status == 0, "\(compressed.errors)")
    #expect(compressed.output.contains("sparsity 50.00 %"))
    let sizes = try [source, small].map { try Data(contentsOf: URL(fileURLWithPath: $0)).count }
    #expect(Double(sizes[1]) < 0.8 * Double(sizes[0]))
    let totals = try totals(ofReport: report)
    #expect(totals == 0.5)

    let (before, after) = (try top1(source, folder), try top1(small, folder))
    #expect(before > 0.98)
    #expect(after > before - 0.02)

    let masked = folder.path("masked.onnx")
    #expect(
      try CommandLineTool.run(
        "compress", source, masked, "--sparsity", "0.5", "--exclude", "first"
      ).status == 0)
    // The file for other programs computes what the small one computes.
    #expect(try CommandLineTool.run("verify", masked, small).status == 0)
    #expect(try CommandLineTool.run("verify", source, small).status == 1)
  }

  /// Neither file appears where one of them cannot be written.
  @Test func modelAndReportAppearTogether() throws {
    let folder = try TemporaryFolder()
    let source = Repository.fixture("digits-mlp.onnx")
    let nowhere = folder.path("no/such/file")
    for (model, report) in [("m.sparrow", nowhere), (nowhere + ".sparrow", "r.json")] {
      let outcome = try CommandLineTool.run(
        "compress", source, model.hasPrefix("/") ? model : folder.path(model), "--sparsity", "0.5",
        "--report", report.hasPrefix("/") ? report : folder.path(report))
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("no/such/file"))
      #expect(folder.contents.isEmpty)
    }
  }

  @Test func compressionIsDeterministic() throws {
    let folder = try TemporaryFolder()
    let source = Repository.fixture("digits-cnn.onnx")
    let files = [folder.path("a.sparrow"), folder.path("b.sparrow")]
    for file in files {
      #expect(
        try CommandLineTool.run("compress", source, file, "--sparsity", "0.8").status == 0)
    }
    let bytes = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(bytes[0] == bytes[1])
  }

  @Test(arguments: [["--pattern", "2:4"], ["--sparsity", "0.75", "--pattern", "1x4"]])
  func patternsAndRecipesAgree(_ flags: [String]) throws {
    let folder = try TemporaryFolder()
    let source = Repository.fixture("digits-mlp.onnx")
    let (a, b) = (folder.path("a.sparrow"), folder.path("b.sparrow"))
    let recipe = folder.path("recipe.yaml")
    let settings = zip(flags, flags.dropFirst()).filter { $0.0.hasPrefix("--") }
      .map {
        "      \($0.0.dropFirst(2)): \"\($0.1)\"".replacingOccurrences(of: "\"0.75\"", with: "0.75")
      }
    let text = "version: 1\nsteps:\n  - prune:\n" + settings.joined(separator: "\n") + "\n"
    try text.write(toFile: recipe, atomically: true, encoding: .utf8)
    let first = try CommandLineTool.run(["compress", source, a] + flags)
    let second = try CommandLineTool.run("compress", source, b, "--recipe", recipe)
    #expect(first.status == 0, "\(first.errors)")
    #expect(second.status == 0, "\(second.errors)")
    let bytes = try [a, b].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(bytes[0] == bytes[1])
  }

  @Test(arguments: ["sync", "async"])
  func benchmarkReportHasItsKeys(_ mode: String) throws {
    let folder = try TemporaryFolder()
    let json = folder.path("benchmark.json")
    let outcome = try CommandLineTool.run(
      "benchmark", Repository.fixture("digits-mlp.onnx"), "-b", "4", "-t", "0.05", "-w", "0", "-s",
      mode, "--threads", "2", "--profile", "--json", json)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try object(json)
    let latency = try #require(report["latency_ms"] as? [String: Double])
    #expect(Set(latency.keys).isSuperset(of: ["median", "mean", "min", "p95", "p99"]))
    #expect(report["batch"] as? Int == 4)
    #expect(report["threads"] as? Int == 2)
    let keys = [
      "throughput", "model", "isa", "peak_memory_bytes", "packed_weight_bytes",
      "activation_bytes", "iterations",
    ]
    for key in keys {
      #expect(report[key] != nil, "\(key) is missing")
    }
  }

  @Test func quietPrintsNothing() throws {
    let outcome = try CommandLineTool.run("run", "-q", Repository.fixture("digits-mlp.onnx"))
    #expect(outcome.status == 0)
    #expect(outcome.output.isEmpty && outcome.errors.isEmpty)
  }

  private func top1(_ model: String, _ folder: TemporaryFolder) throws -> Double {
    let json = folder.path("evaluation.json")
    let outcome = try CommandLineTool.run(
      "evaluate", model, "--data", Repository.fixture("digits.npz"), "--json", json)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try #require(try object(json)["top1"] as? Double)
  }

  private func totals(ofReport path: String) throws -> Double? {
    (try object(path)["totals"] as? [String: Any])?["sparsity"] as? Double
  }

  private func object(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }
}
