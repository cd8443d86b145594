import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

@Suite struct BatchSplitTests {
  /// Convolutions of 21 M multiply-adds a sample, one of them sparse, with a sum, a view and an input
  /// among the outputs.
  static func network(_ batch: Dimension, reshape: [Int] = [0, -1]) throws -> Graph {
    var random = SeededGenerator(seed: 11)
    let hidden = 64
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [batch, .known(4), .known(23), .known(23)]))
    var window = Window()
    window.pads = [1, 1, 1, 1]
    let first = graph.addConstant(
      "first", Tensor(random.floats(hidden * 4 * 9), shape: [hidden, 4, 3, 3]))
    let sparse = random.floats(hidden * hidden * 9).enumerated().map { i, value in
      i % 7 == 0 ? value / 16 : 0
    }
    let second = graph.addConstant("second", Tensor(sparse, shape: [hidden, hidden, 3, 3]))
    let a = try graph.add(
      .conv(Conv(window: window, activation: .relu)), [x, first], name: "a")
    let b = try graph.add(.conv(Conv(window: window)), [a, second], name: "b")
    let sum = try graph.add(.binary(Binary(.add)), [a, b], name: "sum")
    let pooled = try graph.add(.globalPool(GlobalPool(.average)), [sum], name: "pooled")
    let shape = graph.addConstant("shape", integers(reshape))
    let rows = try graph.add(.reshape(Reshape()), [pooled, shape], name: "rows")
    let w = graph.addConstant("w", Tensor(random.floats(hidden * 5), shape: [hidden, 5]))
    graph.outputs = [try graph.add(.gemm(Gemm()), [rows, w], name: "y"), rows, x]
    return graph
  }

  static func input(_ batch: Int) -> Tensor { random([batch, 4, 23, 23], seed: 5) }

  static func sample(_ i: Int, of tensor: Tensor) -> [Float] {
    let count = tensor.count / tensor.shape[0]
    return Array(tensor.array(of: Float.self)[i * count..<(i + 1) * count])
  }

  @Test(arguments: 1...4) func samplesAreThoseOfBatchesOfOne(threads: Int) throws {
    let x = Self.input(7)
    let single = try Session(try Self.network(.symbol("n")))
    var expected: [[[Float]]] = []
    for i in 0..<7 {
      let one = Tensor(Self.sample(i, of: x), shape: [1, 4, 23, 23])
      expected.append(try single.run([one]).map { $0.array(of: Float.self) })
    }
    let session = try Session(
      try Self.network(.symbol("n")), options: SessionOptions(threads: threads))
    for batch in [5, 1, 7, 2, 3, 7] {
      let part = Tensor(
        Array(x.array(of: Float.self).prefix(batch * 4 * 23 * 23)), shape: [batch, 4, 23, 23])
      let outputs = try session.run([part])
      #expect(outputs.map { $0.shape } == [[batch, 5], [batch, 64], [batch, 4, 23, 23]])
      for i in 0..<batch {
        #expect(outputs.map { Self.sample(i, of: $0) } == expected[i], "sample \(i) of \(batch)")
      }
    }
  }

  /// The batch may be fixed, in the input and in shapes.
  @Test(arguments: [1, 2, 3]) func fixedBatchesAreSplit(threads: Int) throws {
    let x = Self.input(4)
    let graph = try Self.network(.known(4), reshape: [4, 64])
    let split = try #require(BatchSplit(try graph.specialized(inputShapes: [x.shape])))
    #expect(split.samples == 4)
    let open = try Session(try Self.network(.symbol("n")))
    let session = try Session(graph, options: SessionOptions(threads: threads))
    let first = try session.run([x])
    #expect(first == (try open.run([x])))
    let (outputs, steps) = try session.profile([x])
    #expect(outputs == first)
    #expect(steps.allSatisfy { $0.runs == 4 && $0.threads == 1 })
    let one = try open.arenaBytes([Self.input(1)])
    #expect(try session.arenaBytes([x]) >= one * (threads == 3 ? 4 : threads))
    #expect(try open.arenaBytes([x]) == one)
  }

  @Test func shareOfSamplesDependsOnWorkers() {
    let counts = [(16, 1), (16, 2), (5, 2), (3, 2), (1, 4), (2, 4), (3, 4), (7, 4), (6, 4), (9, 4)]
      .map { Execution.apartCount($0.0, $0.1) }
    #expect(counts == [0, 16, 4, 2, 0, 0, 3, 7, 4, 8])
  }

  @Test(arguments: [1, 2, 3]) func faultsOfAnySampleAreReported(threads: Int) throws {
    var graph = try Self.network(.symbol("n"))
    let divisors = graph.addInput("divisors", TensorType(.int64, [.symbol("n"), .known(1)]))
    let twelve = graph.addConstant("twelve", Tensor([12] as [Int64], shape: [1, 1]))
    graph.outputs.append(
      try graph.add(.binary(Binary(.div)), [twelve, divisors], name: "quotients"))
    let session = try Session(graph, options: SessionOptions(threads: threads))
    let x = Self.input(4)
    for zero in 0..<4 {
      let values = (0..<4).map { $0 == zero ? 0 : Int64($0 + 1) }
      #expect(
        throws: RuntimeError.badValue(
          node: "Div 'quotients'", reason: Failure.divisionByZero.reason)
      ) { try session.run([x, Tensor(values, shape: [4, 1])]) }
    }
    let outputs = try session.run([x, Tensor([1, 2, 3, 4] as [Int64], shape: [4, 1])])
    #expect(outputs[3].array(of: Int64.self) == [12, 6, 4, 3])
  }

  /// Only convolutional networks of some size, and batches, are split.
  @Test func batchesThatAreFasterAsAWholeStay() throws {
    func isSplit(_ graph: Graph, _ shape: [Int]) throws -> Bool {
      BatchSplit(try graph.specialized(inputShapes: [shape])) != nil
    }
    let network = try Self.network(.symbol("n"))
    #expect(try isSplit(network, [2, 4, 23, 23]))
    #expect(try !isSplit(network, [1, 4, 23, 23]))
    var small = Graph()
    let x = small.addInput("x", TensorType(.float32, [.symbol("n"), .known(4), .known(9)]))
    let w = small.addConstant("w", random([4, 4, 3]))
    small.outputs = [try small.add(.conv(Conv()), [x, w], name: "y")]
    #expect(try !isSplit(small, [8, 4, 9]))
    var layers = network
    let v = layers.addConstant("v", random([5, 200_000]))
    layers.outputs[0] = try layers.add(.matMul(MatMul()), [layers.outputs[0], v], name: "z")
    #expect(try !isSplit(layers, [2, 4, 23, 23]))
    var constant = network
    constant.outputs.append(constant.addConstant("c", random([2, 3])))
    #expect(try !isSplit(constant, [2, 4, 23, 23]))
    var mixed = network
    mixed.outputs[0] = try mixed.add(.softmax(Softmax(axis: 0)), [mixed.outputs[0]], name: "z")
    #expect(try !isSplit(mixed, [2, 4, 23, 23]))
  }

  struct Case: CustomTestStringConvertible, Sendable {
    enum Operand: Sendable {
      case samples([Int], DType = .float32)
      case constant(Tensor)
    }
    var op: Op
    var operands: [Operand?]
    var isApart: Bool
    var outputs = 1
    var testDescription: String { "\(op.name) \(isApart)" }

    init(_ op: Op, _ operands: [Operand?], _ isApart: Bool, outputs: Int = 1) {
      (self.op, self.operands, self.isApart, self.outputs) = (op, operands, isApart, outputs)
    }
  }

  /// A batch of 3.
  static var cases: [Case] {
    let x = Case.Operand.samples([3, 4, 6, 6])
    let rows = Case.Operand.samples([3, 4])
    func ints(_ values: Int...) -> Case.Operand { .constant(integers(values)) }
    func constant(_ shape: Int...) -> Case.Operand { .constant(random(shape)) }
    let kernel = Window(kernel: [2, 2])
    var last = Reduce(.mean)
    last.keepsDimensions = false
    return [
      Case(.unary(Unary(.relu)), [x], true), Case(.cast(Cast(to: .int64)), [x], true),
      Case(.identity(Identity()), [x], true), Case(.pool(Pool(.max, window: kernel)), [x], true),
      Case(.globalPool(GlobalPool(.max)), [x], true),
      Case(.clip(Clip()), [x, .constant(Tensor(scalar: Float(0)))], true),
      Case(
        .batchNormalization(BatchNormalization()),
        [x, constant(4), constant(4), constant(4), constant(4)], true),
      Case(.conv(Conv()), [x, constant(5, 4, 3, 3), constant(5)], true),
      Case(.conv(Conv()), [x, constant(3, 4, 6, 6), nil, .samples([3, 3, 1, 1])], true),
      Case(.conv(Conv()), [x, constant(3, 4, 6, 6), nil, constant(3, 3, 1, 1)], false),
      Case(.conv(Conv()), [x, x], false), Case(.conv(Conv()), [constant(3, 4, 6, 6), x], false),
      Case(.convTranspose(ConvTranspose()), [x, constant(4, 5, 3, 3)], true),
      Case(.convTranspose(ConvTranspose()), [x, .samples([4, 5, 3, 3])], false),
      Case(.binary(Binary(.add)), [x, x], true),
      Case(.binary(Binary(.add)), [x, constant(4, 1, 1)], true),
      Case(.binary(Binary(.add)), [constant(1, 4, 1, 1), x], true),
      Case(.binary(Binary(.add)), [x, constant(3, 1, 1, 1)], false),
      Case(.binary(Binary(.add)), [.samples([3, 3, 3]), .samples([3, 3])], false),
      Case(.binary(Binary(.add)), [constant(3, 3, 4), rows], false),
      Case(.where(Where()), [.samples([3, 4], .bool), rows, constant(4)], true),
      Case(.where(Where()), [.samples([3, 4], .bool), rows, constant(3, 1)], false),
      Case(.gemm(Gemm()), [rows, constant(4, 5), constant(5)], true),
      Case(.gemm(Gemm()), [rows, constant(4, 5), .samples([3, 5])], true),
      Case(.gemm(Gemm()), [rows, constant(4, 5), constant(3, 5)], false),
      Case(.gemm(Gemm(transposesA: true)), [.samples([3, 3]), constant(3, 5)], false),
      Case(.gemm(Gemm()), [constant(3, 3), .samples([3, 5])], false),
      Case(.matMul(MatMul()), [rows, constant(4, 5), constant(5)], true),
      Case(.matMul(MatMul()), [.samples([3, 2, 4]), constant(1, 4, 5)], true),
      Case(.matMul(MatMul()), [.samples([3, 2, 4]), constant(3, 4, 5)], false),
      Case(.matMul(MatMul()), [.samples([3, 2, 4]), .samples([3, 4, 2])], true),
      Case(.matMul(MatMul()), [.samples([3, 3]), .samples([3, 3])], false),
      Case(.matMul(MatMul()), [constant(3, 3), .samples([3, 5])], false),
      Case(.layerNormalization(LayerNormalization()), [rows, constant(4), constant(4)], true),
      Case(.layerNormalization(LayerNormalization(axis: 0)), [rows, constant(3, 4)], false),
      Case(.layerNormalization(LayerNormalization()), [rows, constant(3, 4)], false),
      Case(.softmax(Softmax()), [rows], true), Case(.softmax(Softmax(axis: -2)), [rows], false),
      Case(.reduce(last), [x, ints(-1, 2)], true), Case(.reduce(last), [x, ints(2, 0)], false),
      Case(.reduce(Reduce(.sum)), [x], false),
      Case(.concat(Concat(axis: 1)), [rows, rows], true),
      Case(.concat(Concat(axis: 0)), [rows, rows], false),
      Case(.concat(Concat(axis: 1)), [rows, constant(3, 4)], false),
      Case(.split(Split(axis: 1)), [rows, ints(1, 3)], true, outputs: 2),
      Case(.split(Split(axis: 0)), [rows, ints(3, 0)], false, outputs: 2),
      Case(.pad(Pad()), [rows, ints(0, 1, 0, 1)], true),
      Case(.pad(Pad()), [rows, ints(1, 0, -1, 0)], false),
      Case(.slice(Slice()), [rows, ints(1), ints(3), ints(1)], true),
      Case(.slice(Slice()), [rows, ints(-1), ints(-9), ints(0), ints(-1)], false),
      Case(.transpose(Transpose([0, 2, 3, 1])), [x], true),
      Case(.transpose(Transpose()), [.samples([3, 3])], false),
      Case(.flatten(Flatten()), [x], true), Case(.flatten(Flatten(axis: -3)), [x], true),
      Case(.flatten(Flatten(axis: 2)), [x], false),
      Case(.reshape(Reshape()), [x, ints(0, -1)], true),
      Case(.reshape(Reshape()), [x, ints(-1, 144)], true),
      Case(.reshape(Reshape()), [x, ints(12, 36)], false),
      Case(.squeeze(Squeeze()), [.samples([3, 1, 2]), ints(1)], true),
      Case(.squeeze(Squeeze()), [.samples([3, 1, 2])], false),
      Case(.squeeze(Squeeze()), [.samples([1, 3, 2]), ints(0)], false),
      Case(.unsqueeze(Unsqueeze()), [rows, ints(-1)], true),
      Case(.unsqueeze(Unsqueeze()), [rows, ints(0)], false),
      Case(.gather(Gather(axis: 1)), [rows, ints(2, 0)], true),
      Case(.gather(Gather(axis: 0)), [constant(9, 2), .samples([3, 4], .int64)], true),
      Case(.gather(Gather(axis: 0)), [rows, ints(2, 1, 0)], false),
      Case(.gather(Gather(axis: 1)), [constant(3, 9), .samples([3], .int64)], false),
      Case(.gatherND(GatherND()), [x, ints(0)], false),
      Case(.argExtreme(argMax(axis: 1)), [x], true), Case(.argExtreme(argMax(axis: 0)), [x], false),
      Case(.resize(Resize()), [x, nil, .constant(Tensor([1, 1, 2, 2] as [Float]))], true),
      Case(.resize(Resize()), [x, nil, nil, ints(3, 4, 12, 12)], false),
      Case(.expand(Expand()), [rows, ints(3, 4)], false),
      Case(.shapeOf(ShapeOf()), [.samples([3, 4, 5])], false),
    ]
  }

  static func argMax(axis: Int) -> ArgExtreme {
    var op = ArgExtreme(isMax: true)
    op.axis = axis
    return op
  }

  @Test(arguments: cases) func operatorsKeepSamplesApart(_ test: Case) throws {
    var graph = Graph()
    var inputs: [ValueID?] = []
    for operand in test.operands {
      switch operand {
      case .samples(let shape, let dtype):
        inputs.append(graph.addInput("x", TensorType(dtype, shape: shape)))
      case .constant(let tensor): inputs.append(graph.addConstant("c", tensor))
      case nil: inputs.append(nil)
      }
    }
    graph.outputs = try graph.add(
      test.op, inputs, name: "y", outputs: (0..<test.outputs).map { "y\($0)" })
    #expect(graph.keepsSamplesApart(graph.nodes[0], 3) == test.isApart)
  }
}
