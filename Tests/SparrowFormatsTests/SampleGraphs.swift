import SparrowCore

/// A small valid graph around one operator.
enum SampleGraphs {
  static func graph(of op: Op) throws -> Graph {
    var graph = Graph(name: "sample")
    let inputs = operands(of: op, &graph) ?? []
    let count = if case .split = op { 2 } else { 1 }
    let names = (0..<count).map { "y\($0)" }
    graph.outputs = try graph.add(op, inputs, name: op.name.lowercased(), outputs: names)
    return graph
  }

  /// nil for operators that only the conformance tests read and write.
  private static func operands(of op: Op, _ graph: inout Graph) -> [ValueID?]? {
    let image: [Dimension] = [.symbol("n"), .known(4), .known(6), .known(6)]
    func x(_ dtype: DType = .float32, _ dimensions: [Dimension]) -> ValueID {
      graph.addInput("x\(graph.inputs.count)", TensorType(dtype, dimensions))
    }
    func matrix(_ dtype: DType = .float32) -> ValueID { x(dtype, [.known(2), .known(6)]) }
    func weight(_ shape: [Int]) -> ValueID {
      let values = (0..<shape.elementCount).map { Float($0 % 7) - 3 }
      return graph.addConstant("w\(graph.values.count)", Tensor(values, shape: shape))
    }
    func integers(_ values: [Int64]) -> ValueID {
      graph.addConstant("i\(graph.values.count)", Tensor(values))
    }
    func scalar(_ value: Int64) -> ValueID {
      graph.addConstant("s\(graph.values.count)", Tensor(scalar: value))
    }
    switch op {
    case .argExtreme, .cast, .flatten, .identity, .shapeOf, .softmax, .transpose: return [matrix()]
    case .unary(let unary): return [matrix(unary.function == .not ? .bool : .float32)]
    case .globalPool, .pool: return [x(.float32, image)]
    case .binary(let binary):
      let isLogical = [.and, .or, .xor].contains(binary.function)
      return [matrix(isLogical ? .bool : .float32), matrix(isLogical ? .bool : .float32)]
    case .batchNormalization:
      return [x(.float32, image), weight([4]), weight([4]), weight([4]), weight([4])]
    case .clip:
      let low = graph.addConstant("low", Tensor(scalar: Float(0)))
      let high = graph.addConstant("high", Tensor(scalar: Float(6)))
      return [matrix(), low, high]
    case .concat: return [matrix(), matrix()]
    case .constantOfShape: return [integers([2, 3])]
    case .conv, .convTranspose: return [x(.float32, image), weight([4, 4, 3, 3]), weight([4])]
    case .expand: return [matrix(), integers([5, 1, 6])]
    case .gather: return [matrix(), integers([1, 0, 1])]
    case .gatherND:
      return [matrix(), graph.addConstant("at", Tensor([Int64(1), 0], shape: [1, 2]))]
    case .gemm: return [matrix(), weight([6, 5]), weight([5])]
    case .layerNormalization: return [matrix(), weight([6]), weight([6])]
    case .matMul: return [matrix(), weight([6, 5])]
    case .pad: return [matrix(), integers([1, 0, 0, 2])]
    case .range: return [scalar(1), scalar(9), scalar(3)]
    case .reduce: return [matrix(), integers([-1])]
    case .reshape: return [matrix(), integers([3, -1])]
    case .resize:
      let scales = graph.addConstant("scales", Tensor([Float(1), 1, 2, 2]))
      return [x(.float32, image), nil, scales]
    case .slice: return [matrix(), integers([0]), integers([4]), integers([1]), integers([2])]
    case .split: return [x(.float32, [.known(4), .known(6)])]
    case .squeeze: return [x(.float32, [.known(1), .known(6)]), integers([0])]
    case .unsqueeze: return [matrix(), integers([0, 3])]
    case .where: return [matrix(.bool), matrix(), matrix()]
    default: return nil
    }
  }

  /// Every operator with the attributes it needs to be valid here.
  static let operators: [Op] = Op.catalogue.compactMap { op in
    var graph = Graph()
    guard operands(of: op, &graph) != nil else { return nil }
    if case .pool(var pool) = op {
      pool.window = Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1])
      return .pool(pool)
    }
    return op
  }

  /// Operators with attributes that differ from their defaults.
  static let varied: [Op] = {
    var argMax = ArgExtreme(isMax: true)
    (argMax.axis, argMax.keepsDimensions, argMax.selectsLast) = (-1, false, true)
    var normalization = BatchNormalization()
    normalization.epsilon = 0.5
    var constant = ConstantOfShape()
    constant.value = Scalar(dtype: .int64, bits: UInt64(bitPattern: -7))
    let window = Window(
      kernel: [3, 3], strides: [2, 1], pads: [1, 0, 1, 2], dilations: [1, 2])
    var same = Window(kernel: [3, 3])
    same.autoPad = .sameUpper
    var transposed = ConvTranspose(window: window)
    transposed.outputPadding = [1, 0]
    var average = Pool(.average, window: window)
    (average.ceilMode, average.countsPadding) = (true, true)
    var reduce = Reduce(.mean, keepsDimensions: false)
    reduce.noopWithEmptyAxes = true
    var resize = Resize()
    (resize.mode, resize.coordinates, resize.rounding) = (.linear, .alignCorners, .floor)
    var pad = Pad()
    pad.mode = .reflect
    var shape = ShapeOf()
    (shape.start, shape.end) = (-1, 5)
    var gelu = Unary(.gelu)
    gelu.approximation = .tanh
    var hard = Unary(.hardSigmoid)
    (hard.alpha, hard.beta) = (0.25, 0.75)
    return [
      .argExtreme(argMax), .batchNormalization(normalization), .cast(Cast(to: .bfloat16)),
      .concat(Concat(axis: 1)), .constantOfShape(constant), .conv(Conv(window: window)),
      .conv(Conv(window: same)), .convTranspose(transposed), .flatten(Flatten(axis: -1)),
      .gather(Gather(axis: 1)), .gemm(Gemm(alpha: 0.5, beta: 2)),
      .layerNormalization(LayerNormalization(axis: -1, epsilon: 1e-3)), .pad(pad),
      .pool(average), .reduce(reduce), .resize(resize), .shapeOf(shape),
      .softmax(Softmax(axis: 0)), .split(Split(axis: 1)), .transpose(Transpose([1, 0])),
      .unary(gelu), .unary(hard),
    ]
  }()
}
