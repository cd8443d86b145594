import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Networks with gates through files and commands.
struct GatedModelTests {
  /// Digits, half of whose hidden channels look at the brightness of the whole image; the others are open.
  private func network() throws -> Model {
    var random = SeededGenerator(seed: 4)
    var graph = Graph(name: "gated")
    let x = graph.addInput(
      "image", TensorType(.float32, [.symbol("n"), .known(1), .known(8), .known(8)]))
    func weight(_ name: String, _ shape: [Int]) -> ValueID {
      let values = (0..<shape.elementCount).map { _ in
        Float(Int64(bitPattern: random.next()) >> 40) * 0x1p-23
      }
      return graph.addConstant(name, Tensor(values, shape: shape))
    }
    let window = Window(pads: [1, 1, 1, 1])
    let first = try graph.add(
      .conv(Conv(window: window)), [x, weight("w0", [16, 1, 3, 3])], name: "first")
    let hidden = try graph.add(.unary(Unary(.relu)), [first], name: "relu")
    let mean = try graph.add(.globalPool(GlobalPool(.average)), [x], name: "mean")
    let slopes = graph.addConstant(
      "slopes", Tensor((0..<16).map { Float($0 % 2) }, shape: [16, 1, 1, 1]))
    let offsets = graph.addConstant("offsets", Tensor((0..<16).map { Float($0 % 2) * -0.305 }))
    let logits = try graph.add(.conv(Conv()), [mean, slopes, offsets], name: "logits")
    let zero = graph.addConstant("zero", Tensor(scalar: Float(0)))
    let open = try graph.add(.binary(Binary(.greaterOrEqual)), [logits, zero], name: "open")
    let gated = try graph.add(.where(Where()), [open, hidden, zero], name: "gated")
    let last = try graph.add(
      .conv(Conv(window: window)), [gated, weight("w1", [10, 16, 3, 3])], name: "last")
    let pooled = try graph.add(.globalPool(GlobalPool(.average)), [last], name: "pooled")
    graph.outputs = [try graph.add(.flatten(Flatten()), [pooled], name: "scores")]
    return Model(graph: graph, path: "gated.onnx")
  }

  /// The part of the images that are bright, by themselves.
  private func brightShare(_ count: Int) throws -> Double {
    let images = try loadTensor("\(Repository.fixture("digits.npz")):x_test")
    let values = try #require(images.floats ?? images.integers?.map { Float($0) })
    let pixels = values.count / images.shape[0]
    let bright = (0..<count).count { sample in
      values[sample * pixels..<(sample + 1) * pixels].reduce(0, +) / Float(pixels) >= 0.305
    }
    return Double(bright) / Double(count)
  }

  @Test(arguments: ["onnx", "sparrow"]) func realisedWorkIsThatOfOpenChannels(
    _ format: String
  ) throws {
    let folder = try TemporaryFolder()
    let (source, path) = (folder.path("source.onnx"), folder.path("gated.\(format)"))
    try network().save(to: source)
    #expect(try CommandLineTool.run("convert", source, path).status == 0)
    let data = Repository.fixture("digits.npz")
    let inspected = try CommandLineTool.run(
      "inspect", path, "--data", data, "--limit", "100", "--json")
    #expect(inspected.status == 0, "\(inspected.errors)")
    let facts = try #require(
      try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
    let totals = try #require(facts["totals"] as? [String: Any])
    let (work, logits) = (16 * 9 * 64 + 160 * 9 * 64, 16)
    #expect(totals["multiply_adds"] as? Int == work + logits)
    let share = try brightShare(100)
    #expect(share > 0.1 && share < 0.9)
    let realised = try #require(totals["realised_multiply_adds"] as? Int)
    #expect(abs(Double(realised - logits) - Double(work) * (1 + share) / 2) <= 2)
    #expect(totals["samples"] as? Int == 100)
  }

  @Test func profilesTellRealisedWork() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("gated.onnx")
    try network().save(to: path)
    let found = try CommandLineTool.run("run", path, "--profile")
    #expect(found.status == 0, "\(found.errors)")
    #expect(found.output.contains("realised ("), "\(found.output)")
    #expect(found.output.contains("(open channels)"))
    let all = try CommandLineTool.run("run", path, "--profile", "--no-skip")
    #expect(all.output.contains("multiply-adds") && !all.output.contains("realised"))
    let before = found.output.prefix { $0 != "\n" }
    #expect(all.output.hasPrefix(before))
  }

  /// How much work there is depends on the input: it can be given.
  @Test func givenInputsAreTimed() throws {
    let folder = try TemporaryFolder()
    let (path, images, json) = (
      folder.path("gated.onnx"), folder.path("images.npz"), folder.path("times.json")
    )
    try network().save(to: path)
    let values = [Float](repeating: 0.25, count: 3 * 64)
    try NPZ.write([("digits", Tensor(values, shape: [3, 1, 8, 8]))], to: images)
    let found = try CommandLineTool.run(
      "benchmark", path, "-i", "image=\(images):digits", "-t", "0.01", "-w", "0", "--json", json)
    #expect(found.status == 0, "\(found.errors)")
    let report = try JSONDecoder().decode(
      BenchmarkReport.self, from: Data(contentsOf: URL(fileURLWithPath: json)))
    #expect(report.batch == 3 && report.input_shapes == ["image": [3, 1, 8, 8]])
  }

  @Test func dataIsForOneModel() throws {
    let model = Repository.fixture("digits-mlp.onnx")
    let found = try CommandLineTool.run(
      "inspect", model, "--data", Repository.fixture("digits.npz"), "--compare", model)
    #expect(found.status != 0 && found.errors.contains("exclude each other"))
  }
}
