import Sparrow
import SparrowTestSupport
import Testing

@Suite struct PreprocessingTests {
  @Test func presetsAndSettings() throws {
    let imagenet = try Preprocessing("imagenet,layout=nhwc")
    #expect(imagenet.scale == 255)
    #expect(imagenet.mean == [0.485, 0.456, 0.406])
    #expect(imagenet.deviation == [0.229, 0.224, 0.225])
    #expect(imagenet.layout == .nhwc)
    let own = try Preprocessing("scale=2,mean=1:2:3,std=0.5")
    #expect((own.scale, own.mean.count, own.deviation) == (2, 3, [0.5]))
    for (name, specification) in Preprocessing.presets {
      #expect(try Preprocessing(name) == Preprocessing(specification))
    }
  }

  @Test(arguments: ["blue", "scale", "scale=", "mean=1:x", "std=0", "layout=hwc", "scale=1:2"])
  func refused(_ specification: String) {
    #expect(throws: SparrowError.self) { try Preprocessing(specification) }
  }
}

@Suite struct ModelFormatTests {
  @Test func extensions() throws {
    #expect(try ModelFormat(path: "a/b.c/model.onnx") == .onnx)
    #expect(try ModelFormat(path: "Model.ONNX") == .onnx)
    #expect(try ModelFormat(path: "model.v2.sparrow") == .sparrow)
  }

  @Test(arguments: ["", "model", "model.", "model.pb", "folder.onnx/model", "data.npz"])
  func unknown(_ path: String) {
    #expect(throws: SparrowError.self) { try ModelFormat(path: path) }
  }
}

@Suite struct InputTests {
  /// y = x + z with x f32[n,t], z f32[m,t], and ids i64[n] looked up in a table of 7 rows.
  private func model() throws -> Model {
    var graph = Graph(name: "inputs")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .symbol("t")]))
    let z = graph.addInput("z", TensorType(.float32, [.symbol("m"), .symbol("t")]))
    let ids = graph.addInput("ids", TensorType(.int64, [.symbol("n")]))
    let mask = graph.addInput("attention_mask", TensorType(.int64, [.symbol("n")]))
    let table = graph.addConstant("table", Tensor([Float](repeating: 1, count: 7), shape: [7]))
    let looked = try graph.add(.gather(Gather()), [table, ids], name: "looked")
    let sum = try graph.add(.binary(Binary(.add)), [x, z], name: "y")
    graph.outputs = [sum, looked, mask]
    return Model(graph: graph, path: "inputs.onnx")
  }

  @Test func givenShapesBindNamesElsewhere() throws {
    let shapes = try model().inputShapes(InputShapes(["x": [2, 5]], batch: 3))
    #expect(shapes == [[2, 5], [3, 5], [2], [2]])
  }

  @Test func anOpenInnerDimensionIsAnError() throws {
    let model = try model()
    #expect(throws: SparrowError.self) { try model.inputShapes(InputShapes()) }
    #expect(throws: SparrowError.self) { try model.inputShapes(InputShapes(["q": [1]])) }
    #expect(throws: SparrowError.self) { try model.inputShapes(InputShapes(["x": [1]])) }
  }

  @Test func randomInputsAreDeterministicAndInRange() throws {
    let model = try model()
    let shapes = [[50, 20], [1, 20], [200], [3]]
    let inputs = try model.randomInputs(shapes)
    #expect(inputs == (try model.randomInputs(shapes)))
    #expect(inputs[0] != (try model.randomInputs(shapes, seed: 1))[0])
    let values = try #require(inputs[0].floats)
    let mean = values.reduce(0, +) / 1000
    let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 1000
    #expect(abs(mean) < 0.1)
    #expect(abs(variance - 1) < 0.1)
    #expect(Set(try #require(inputs[2].integers)) == Set(0..<7))
    #expect(inputs[3].integers == [1, 1, 1])
  }

  @Test func namedInputsAreChecked() throws {
    let model = try model()
    let x = Tensor([1, 2] as [Float], shape: [1, 2])
    let ids = Tensor([0] as [Int64])
    func named(_ pairs: [(String, Tensor)]) throws -> [Tensor] {
      try model.inputs(named: pairs.map { (name: $0.0, tensor: $0.1, source: "file") })
    }
    let all = [("ids", ids), ("x", x), ("attention_mask", ids), ("z", x)]
    #expect(try named(all) == [x, x, ids, ids])
    #expect(throws: SparrowError.self) { try named(Array(all.dropLast())) }
    #expect(throws: SparrowError.self) { try named(all + [("x", x)]) }
    #expect(throws: SparrowError.self) { try named(all + [("q", x)]) }
    #expect(throws: SparrowError.self) { try named([("ids", x)] + all.dropFirst()) }
  }
}

@Suite struct OptimizationTests {
  /// relu(x w + b)
  private func model() throws -> Model {
    var graph = Graph(name: "chain")
    let x = graph.addInput("x", TensorType(.float32, shape: [2, 3]))
    let w = graph.addConstant("w", Tensor([Float](repeating: 1, count: 12), shape: [3, 4]))
    let b = graph.addConstant("b", Tensor([-10, 1, 2, 3] as [Float]))
    let product = try graph.add(.matMul(MatMul()), [x, w], name: "product")
    let sum = try graph.add(.binary(Binary(.add)), [product, b], name: "sum")
    graph.outputs = [try graph.add(.unary(Unary(.relu)), [sum], name: "y")]
    return Model(graph: graph, path: "chain.onnx")
  }

  @Test func sessionsFuseUnlessToldNotTo() throws {
    let model = try model()
    let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let expected: [Float] = [0, 7, 8, 9, 5, 16, 17, 18]
    for (optimizes, steps) in [(true, 1), (false, 3)] {
      let session = try model.session(optimizes: optimizes)
      #expect(try session.run([x])[0].floats == expected)
      #expect(try session.profile([x]).steps.count == steps)
    }
    let optimized = try model.optimized()
    #expect(optimized.isOptimized && !model.isOptimized)
    #expect(try optimized.optimized().graph.nodes.count == optimized.graph.nodes.count)
  }

  @Test func aContainerRunsAsItWasWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("plain.sparrow")
    try model().save(to: path)
    let plain = try Model.load(path: path)
    #expect(plain.isOptimized)
    #expect(try plain.optimized().graph.nodes.count == 3)
  }
}

@Suite struct VerificationTests {
  private func constant(_ values: [Float]) throws -> Model {
    var graph = Graph(name: "constant")
    let x = graph.addInput("x", TensorType(.float32, shape: [values.count]))
    let c = graph.addConstant("c", Tensor(values))
    graph.outputs = [try graph.add(.binary(Binary(.add)), [x, c], name: "y")]
    return Model(graph: graph, path: "constant.onnx")
  }

  @Test func differenceIsRelativeToTheLargestMagnitude() throws {
    let zeros = [[Tensor([0, 0] as [Float])]]
    let result = try constant([1, -4]).compare(with: constant([1.5, -4]), inputs: zeros)
    #expect(result.outputs[0].difference == 0.5)
    #expect(result.worst == 0.125)
    #expect(try constant([1, 2]).compare(with: constant([1, 2]), inputs: zeros).worst == 0)
  }

  @Test func notANumberIsNeverTheSame() throws {
    let zeros = [[Tensor([0, 0] as [Float])]]
    let result = try constant([1, 2]).compare(with: constant([1, .nan]), inputs: zeros)
    #expect(result.worst == .infinity)
  }

  @Test func operatorTypesCountSubgraphsToo() throws {
    var branch = Graph(name: "then")
    branch.outputs = [
      try branch.add(
        .unary(Unary(.relu)), [branch.addConstant("c", Tensor([-1] as [Float]))], name: "r")
    ]
    var graph = Graph(name: "choice")
    let condition = graph.addInput("p", TensorType(.bool, shape: []))
    let body = Subgraph(branch, captures: 0)
    graph.outputs = [
      try graph.add(.if(If(then: body, else: body)), [condition], name: "y")
    ]
    #expect(Model(graph: graph, path: "choice.onnx").operatorTypes == ["If", "Unary"])
  }
}
