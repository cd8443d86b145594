import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Models against each other on the same samples.
struct EvaluationTests {
  /// Of sums in float64 over outputs in float32 that are the same.
  static let tolerance = 1e-6

  /// The first output for one sample at a time.
  private func outputs(_ model: Model, _ samples: SampleSource) throws -> [[Double]] {
    let session = try model.session()
    return try (0..<samples.count).map { i in
      try #require(try session.run(samples.batch(i..<i + 1))[0].floats).map { Double($0) }
    }
  }

  private func cosine(_ a: [Double], _ b: [Double]) -> Double {
    let product = zip(a, b).map { $0 * $1 }.reduce(0, +)
    func length(_ x: [Double]) -> Double { x.map { $0 * $0 }.reduce(0, +).squareRoot() }
    return product / (length(a) * length(b))
  }

  @Test func prunedAgainstDense() throws {
    let dense = try SampleSourceTests.mlp()
    let pruned = try dense.compressed(Recipe(prune: PruneStep(sparsity: 0.9))).model
    let samples = try SampleSource(path: SampleSourceTests.digits, for: dense).prefix(100)
    let (a, b) = (try outputs(pruned, samples), try outputs(dense, samples))
    let cosines = zip(a, b).map { cosine($0, $1) }
    func best(_ x: [Double]) -> Int? { x.max().flatMap { x.firstIndex(of: $0) } }
    let same = zip(a, b).filter { best($0) == best($1) }
    let result = try pruned.evaluate(on: samples, against: dense)
    let (mean, least) = (try #require(result.mean_cosine), try #require(result.least_cosine))
    #expect(abs(mean - cosines.reduce(0, +) / 100) < Self.tolerance)
    #expect(abs(least - (cosines.min() ?? 0)) < Self.tolerance)
    #expect(result.agreement == Double(same.count) / 100)
    #expect((result.agreement ?? 1) < 1)
    #expect(result.top1 == nil && result.value(of: .cosine) == mean)
    let itself = try dense.evaluate(on: samples, against: dense)
    #expect((itself.mean_cosine ?? 0) > 1 - Self.tolerance && itself.agreement == 1)
  }

  /// ids i64[n,t] and attention_mask i64[n,t] to rows of `table`, [n,t,2].
  private func encoder(_ table: [Float], masked: Bool = true, batch: Int? = nil) throws -> Model {
    var graph = Graph(name: "encoder")
    let type = TensorType(.int64, [batch.map { .known($0) } ?? .symbol("n"), .symbol("t")])
    let ids = graph.addInput("ids", type)
    let mask = graph.addInput(masked ? "attention_mask" : "other", type)
    let rows = graph.addConstant("table", Tensor(table, shape: [table.count / 2, 2]))
    let looked = try graph.add(.gather(Gather()), [rows, ids], name: "looked")
    graph.outputs = [looked, mask]
    return Model(graph: graph, path: "encoder.onnx")
  }

  /// The mean over three of four tokens of one sentence and one of four of the other; what stands at
  /// the places that are not marked changes nothing.
  @Test(arguments: [nil, 1, 2, 3], [0, 2] as [Int64])
  func sentencesArePooledByTheirMask(_ batch: Int?, _ padding: Int64) throws {
    let model = try encoder([1, 0, 0, 1, 5, 5, 3, 4], batch: batch)
    let reference = try encoder([1, 0, 0, 2, -7, 1, 4, -3])
    let ids = Tensor([0, 1, 1, padding, 3, padding, padding, padding], shape: [2, 4])
    let mask = Tensor([1, 1, 1, 0, 1, 0, 0, 0] as [Int64], shape: [2, 4])
    let samples = try SampleSource(
      [("attention_mask", mask), ("ids", ids)], for: model, path: "ids.npz")
    var options = EvaluationOptions()
    options.pooling = .mean
    let result = try model.evaluate(on: samples, against: reference, options: options)
    // (1, 2) / 3 against (1, 4) / 3, and (3, 4) against (4, -3).
    let first = 9 / (5.0.squareRoot() * 17.0.squareRoot())
    #expect(abs(try #require(result.mean_cosine) - first / 2) < Self.tolerance)
    #expect(abs(try #require(result.least_cosine)) < Self.tolerance)
    #expect(result.agreement == 0.5)
  }

  @Test func poolingNeedsAMaskAndTokens() throws {
    var options = EvaluationOptions()
    options.pooling = .mean
    let ids = Tensor([0, 1] as [Int64], shape: [1, 2])
    let unmasked = try encoder([1, 0, 0, 1], masked: false)
    let samples = try SampleSource([("ids", ids), ("other", ids)], for: unmasked, path: "ids.npz")
    #expect(throws: SparrowError.self) {
      try unmasked.evaluate(on: samples, against: unmasked, options: options)
    }
    let mlp = try SampleSourceTests.mlp()
    let digits = try SampleSource(path: SampleSourceTests.digits, for: mlp)
    #expect(throws: SparrowError.self) {
      try mlp.evaluate(on: digits, against: mlp, options: options)
    }
  }

  @Test func outputsOfOtherWidthsAreRefused() throws {
    let ids = Tensor([0, 1] as [Int64], shape: [1, 2])
    let two = try SampleSourceTests.twoInputs()
    let samples = try SampleSource(
      [("ids", ids), ("scale", Tensor([1, 1] as [Float], shape: [1, 2, 1]))], for: two, path: "a")
    #expect(throws: SparrowError.self) {
      try two.evaluate(on: samples, against: try encoder([1, 0, 0, 1]))
    }
  }

  @Test func zerosAreAlikeAndNothingElseIsLikeThem() throws {
    func model(_ value: Float) throws -> Model { try encoder([value, value]) }
    let ids = Tensor([0] as [Int64], shape: [1, 1])
    let arrays = [(name: "ids", tensor: ids), (name: "attention_mask", tensor: ids)]
    for (a, b, expected) in [(0, 0, 1), (0, 1, 0), (.nan, 1, 0), (2, -1, -1)]
      as [(Float, Float, Double)]
    {
      let model = (try model(a), try model(b))
      let samples = try SampleSource(arrays, for: model.0, path: "ids.npz")
      let found = try #require(try model.0.evaluate(on: samples, against: model.1).mean_cosine)
      #expect(abs(found - expected) < Self.tolerance, "\(a), \(b)")
    }
  }

  @Test func theCommandComparesAndWritesTheSchemasKeys() throws {
    let folder = try TemporaryFolder()
    let dense = Repository.fixture("digits-mlp.onnx")
    let small = folder.path("small.sparrow")
    #expect(try CommandLineTool.run("compress", dense, small, "--sparsity", "0.5").status == 0)
    var keys = Set<String>()
    for (metric, shown) in [("cosine", "least 0."), ("agreement", "% with "), ("top1", "top1 ")] {
      let json = folder.path("\(metric).json")
      let reference = metric == "top1" ? [] : ["--reference", dense]
      let outcome = try CommandLineTool.run(
        ["evaluate", small, "--data", SampleSourceTests.digits, "--metric", metric, "--json", json]
          + reference)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains(shown), "\(outcome.output)")
      keys.formUnion(try object(json).keys)
    }
    let root = Repository.root.appendingPathComponent("Schemas/evaluation.schema.json")
    let properties = try #require(try object(root.path)["properties"] as? [String: Any])
    #expect(keys == Set(properties.keys))
    let mean = try #require(try object(folder.path("cosine.json"))["mean_cosine"] as? Double)
    #expect(mean > 0.9 && mean < 1)
  }

  private func object(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }
}
