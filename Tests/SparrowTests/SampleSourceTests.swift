import Sparrow
import SparrowTestSupport
import Testing

/// Samples as a model takes them, from datasets and from arrays of the inputs' names.
struct SampleSourceTests {
  static let digits = Repository.fixture("digits.npz")

  static func mlp() throws -> Model { try Model.load(path: Repository.fixture("digits-mlp.onnx")) }

  /// y = gather(table, ids) x scale, with ids i64[n,t] and scale f32[n,t,1].
  static func twoInputs(swapped: Bool = false) throws -> Model {
    var graph = Graph(name: "two")
    let idType = TensorType(.int64, [.symbol("n"), .symbol("t")])
    let scaleType = TensorType(.float32, [.symbol("n"), .symbol("t"), .known(1)])
    let inputs =
      swapped
      ? [graph.addInput("scale", scaleType), graph.addInput("ids", idType)].reversed()
      : [graph.addInput("ids", idType), graph.addInput("scale", scaleType)]
    let table = graph.addConstant("table", Tensor((0..<10).map { Float($0) }, shape: [5, 2]))
    let looked = try graph.add(.gather(Gather()), [table, inputs[0]], name: "looked")
    graph.outputs = [try graph.add(.binary(Binary(.mul)), [looked, inputs[1]], name: "y")]
    return Model(graph: graph, path: "two.onnx")
  }

  static let ids = Tensor((0..<6).map { Int64($0 % 5) }, shape: [3, 2])
  static let scale = Tensor((0..<6).map { Float($0) }, shape: [3, 2, 1])

  @Test func calibrationAndEvaluationReadTheirOwnSplits() throws {
    let model = try Self.mlp()
    let trained = try SampleSource(path: Self.digits, for: model, purpose: .calibration)
    let tested = try SampleSource(path: Self.digits, for: model)
    #expect((trained.count, tested.count) == (1347, 450))
    #expect(trained.labels == (try loadTensor("\(Self.digits):y_train")).integers)
    #expect(tested.labels == (try loadTensor("\(Self.digits):y_test")).integers)
    let images = try loadTensor("\(Self.digits):x_train").floats
    #expect(trained.batch(0..<trained.count)[0] == Tensor(try #require(images), shape: [1347, 64]))
  }

  @Test func theLastSampleIsRepeated() throws {
    let source = try SampleSource(path: Self.digits, for: try Self.mlp()).prefix(3)
    let batch = source.batch(1..<5)[0]
    #expect(batch.shape == [4, 64])
    let last = source.batch(2..<3)[0].floats
    #expect(Array(try #require(batch.floats).suffix(64)) == last)
    #expect(source.labels?.count == 3)
    #expect(source.prefix(100).count == 3)
  }

  /// Every sample drawn is one of the source's, with its label, and none is drawn twice.
  @Test(arguments: [0, 1, 7] as [UInt64])
  func drawsWithoutReplacement(_ seed: UInt64) throws {
    let all = try SampleSource(path: Self.digits, for: try Self.mlp(), purpose: .calibration)
    let drawn = all.sample(512, seed: seed)
    #expect(drawn.count == 512, "seed \(seed)")
    #expect(drawn.batch(0..<512) == all.sample(512, seed: seed).batch(0..<512))
    #expect(drawn.batch(0..<512) != all.sample(512, seed: seed + 1).batch(0..<512))
    func rows(_ source: SampleSource) throws -> [[Float]] {
      let labels = try #require(source.labels)
      let values = try #require(source.batch(0..<source.count)[0].floats)
      return labels.indices.map { Array(values[$0 * 64..<($0 + 1) * 64]) + [Float(labels[$0])] }
    }
    var left: [[Float]: Int] = [:]
    for row in try rows(all) { left[row, default: 0] += 1 }
    for row in try rows(drawn) { left[row, default: 0] -= 1 }
    #expect(left.values.allSatisfy { $0 >= 0 }, "seed \(seed)")
    #expect(all.sample(5000, seed: seed).labels == all.labels)
  }

  @Test func labelsMayBeMissing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npz")
    try saveTensors([("x", Tensor([Float](repeating: 1, count: 128), shape: [2, 64]))], to: path)
    let source = try SampleSource(path: path, for: try Self.mlp(), purpose: .calibration)
    #expect(source.count == 2 && source.labels == nil)
    #expect(throws: SparrowError.self) { try Self.mlp().evaluate(on: source) }
  }

  @Test func calibrationNeverReadsTheTestSplit() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("test.npz")
    let x = try loadTensor("\(Self.digits):x_test")
    try saveTensors([("x_test", x), ("y_test", try loadTensor("\(Self.digits):y_test"))], to: path)
    let model = try Self.mlp()
    #expect(throws: SparrowError.self) {
      try SampleSource(path: path, for: model, purpose: .calibration)
    }
    let named = Dataset.Keys(samples: "x_test")
    let source = try SampleSource(path: path, for: model, keys: named, purpose: .calibration)
    #expect(source.count == 450 && source.labels == nil)
  }

  @Test func arraysAreMatchedByName() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("two.npz")
    let labels = Tensor([0, 1, 0] as [Int64])
    try saveTensors([("labels", labels), ("scale", Self.scale), ("ids", Self.ids)], to: path)
    let source = try SampleSource(path: path, for: try Self.twoInputs())
    #expect(source.labels == [0, 1, 0])
    #expect(source.batch(0..<3) == [Self.ids, Self.scale])
    let swapped = try source.prefix(2).fitted(to: try Self.twoInputs(swapped: true))
    #expect(
      swapped.batch(1..<2) == [
        Tensor([2, 3] as [Float], shape: [1, 2, 1]), Tensor([2, 3] as [Int64], shape: [1, 2]),
      ])
    #expect(throws: SparrowError.self) {
      try SampleSource(path: path, for: try Self.twoInputs(), preprocessing: Preprocessing("unit"))
    }
  }

  struct Refusal: CustomTestStringConvertible, Sendable {
    var arrays: [(name: String, tensor: Tensor)]
    var message: String
    var testDescription: String { message }
  }

  static let refusals = [
    Refusal(arrays: [("ids", ids)], message: "has no array of that name; found ids"),
    Refusal(
      arrays: [("ids", ids), ("scale", Tensor([1, 2] as [Float], shape: [1, 2, 1]))],
      message: "'ids' has 3 samples and 'scale' 1"),
    Refusal(
      arrays: [("ids", ids), ("scale", Tensor([1, 2, 3] as [Float], shape: [3, 1]))],
      message: "the samples of file.npz are f32[3,1]"),
    Refusal(
      arrays: [("ids", scale.reshaped([3, 2])), ("scale", scale)],
      message: "input 'ids' is i64[n,t], but the samples"),
    Refusal(
      arrays: [
        ("ids", Tensor([] as [Int64], shape: [0, 2])),
        ("scale", Tensor([] as [Float], shape: [0, 2, 1])),
      ], message: "there is no sample"),
  ]

  @Test(arguments: refusals)
  func isRefused(_ refusal: Refusal) throws {
    let model = try Self.twoInputs()
    let error = #expect(throws: SparrowError.self) {
      try SampleSource(refusal.arrays, for: model, path: "file.npz")
    }
    #expect(error?.message.contains(refusal.message) == true, "\(error?.message ?? "")")
  }
}
