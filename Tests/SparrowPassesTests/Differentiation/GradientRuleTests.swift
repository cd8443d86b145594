import SparrowCore
import SparrowPasses
import SparrowTestSupport
import Testing

/// Every rule against central differences in float64.
@Suite struct GradientRuleTests {
  /// All functions of real numbers.
  private static let functions = Unary.Function.allCases.filter {
    $0 != .bitwiseNot && $0 != .isNaN && $0 != .not
  }

  @Test(arguments: functions) func unary(function: Unary.Function) throws {
    for seed: UInt64 in [1, 2] {
      try expectGradient(
        GradientCase(function.name, .unary(Unary(function)), [.random([3, 5], domain(function))]),
        seed: seed)
    }
  }

  /// Where a function is defined, and wide enough to meet each of its pieces.
  private func domain(_ function: Unary.Function) -> ClosedRange<Double> {
    switch function {
    case .acosh: 1.2...3
    case .acos, .asin, .atanh: -0.9...0.9
    case .log, .sqrt, .reciprocal: 0.3...3
    case .hardSigmoid, .hardSwish, .gelu: -4...4
    case .tan: -1.2...1.2
    case .abs, .asinh, .atan, .bitwiseNot, .ceil, .celu, .cos, .cosh, .elu, .erf, .exp, .floor,
      .isNaN, .leakyRelu, .mish, .neg, .not, .relu, .round, .selu, .shrink, .sigmoid, .sign, .sin,
      .sinh, .softplus, .softsign, .swish, .tanh, .thresholdedRelu:
      -2...2
    }
  }

  @Test func unaryWithParameters() throws {
    for (function, alpha, beta) in [
      (Unary.Function.celu, Float(0.7), Float(0)), (.elu, 1.5, 0), (.hardSigmoid, 0.3, 0.4),
      (.leakyRelu, 0.2, 0), (.swish, 1.7, 0), (.selu, 1.2, 0.9), (.shrink, 0.4, 0.1),
    ] {
      var op = Unary(function)
      (op.alpha, op.beta) = (alpha, beta)
      try expectGradient(
        GradientCase("\(function)", .unary(op), [.random([4, 4], -2...2)]), seed: 3)
    }
    var gelu = Unary(.gelu)
    gelu.approximation = .tanh
    try expectGradient(GradientCase("gelu tanh", .unary(gelu), [.random([4, 4], -3...3)]), seed: 4)
  }

  @Test(arguments: elementwiseCases + productCases + windowCases + normalizationCases)
  func layers(test: GradientCase) throws {
    for seed: UInt64 in [1, 2] { try expectGradient(test, seed: seed) }
  }

  @Test(arguments: reductionCases + movementCases + lossCases)
  func shapes(test: GradientCase) throws {
    for seed: UInt64 in [1, 2] { try expectGradient(test, seed: seed) }
  }

  /// Functions whose gradient is zero everywhere, and of bits.
  @Test func boolFunctionsHaveNoSlope() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [3]))
    let isNaN = try graph.add(.unary(Unary(.isNaN)), [x], name: "nan")
    let cast = try graph.add(.cast(Cast(to: .float32)), [isNaN], name: "cast")
    let sum = try graph.add(.reduce(Reduce(.sum, keepsDimensions: false)), [cast], name: "sum")
    let gradients = try graph.addGradients(of: sum, withRespectTo: [x])
    graph.outputs = gradients
    #expect(try reference(graph, [Tensor([Float(1), 2, 3])]) == [Tensor([Float(0), 0, 0])])
  }
}

private func with<T>(_ value: T, _ change: (inout T) -> Void) -> T {
  var value = value
  change(&value)
  return value
}

let elementwiseCases: [GradientCase] =
  [Binary.Function.add, .sub, .mul, .max, .min].flatMap { function in
    [
      GradientCase("\(function)", .binary(Binary(function)), [.random(2, 3), .random(2, 3)]),
      GradientCase(
        "\(function) broadcast", .binary(Binary(function)), [.random(2, 1, 4), .random(3, 1)]),
      GradientCase("\(function) scalar", .binary(Binary(function)), [.random(), .random(2, 3)]),
    ]
  } + [
    GradientCase("div", .binary(Binary(.div)), [.random(2, 1, 3), .positive(4, 1)]),
    GradientCase("pow", .binary(Binary(.pow)), [.positive(2, 3), .random(3)]),
    GradientCase(
      "pow 2", .binary(Binary(.pow)), [.random(2, 3), .constant(Tensor(scalar: 2.0))]),
    GradientCase(
      "pow 3", .binary(Binary(.pow)), [.random(2, 3), .constant(Tensor(scalar: Int64(3)))]),
    GradientCase(
      "pow integers", .binary(Binary(.pow)), [.positive(2, 3), .integers([1, 2, 4])]),
    GradientCase("prelu", .binary(Binary(.prelu)), [.random(2, 3, 4), .random(3, 1)]),
    GradientCase(
      "relu fused", .binary(Binary(.mul, activation: .relu)), [.random(2, 3), .random(3)]),
    GradientCase(
      "silu fused", .binary(Binary(.add, activation: .silu)), [.random(2, 3), .random(3)]),
    GradientCase(
      "clip", .clip(Clip()),
      [.random(4, 5), .constant(Tensor(scalar: -0.5)), .constant(Tensor(scalar: 0.8))]),
    GradientCase(
      "clip above", .clip(Clip()), [.random(9), .absent, .constant(Tensor(scalar: 0.1))]),
    GradientCase(
      "where", .where(Where()),
      [
        .constant(Tensor(.bool, [2, 1], integers: [1, 0])), .random(3), .random(2, 3),
      ]),
    GradientCase("identity", .identity(Identity()), [.random(3)]),
    GradientCase("dropout", .identity(Identity(isDropout: true)), [.random(3)], outputs: 2),
  ]

let productCases: [GradientCase] =
  [(false, false), (false, true), (true, false), (true, true)].map { a, b in
    let (left, right) = (a ? [4, 2] : [2, 4], b ? [3, 4] : [4, 3])
    return GradientCase(
      "gemm \(a) \(b)", .gemm(Gemm(alpha: 0.5, beta: 2, transposesA: a, transposesB: b)),
      [.random(left, -1...1), .random(right, -1...1), .random(3)])
  } + [
    GradientCase("gemm relu", .gemm(Gemm(activation: .relu)), [.random(3, 4), .random(4, 5)]),
    GradientCase("gemm column", .gemm(Gemm()), [.random(3, 4), .random(4, 5), .random(3, 1)]),
    GradientCase("gemm scalar", .gemm(Gemm()), [.random(3, 4), .random(4, 5), .random()]),
    GradientCase("matmul", .matMul(MatMul()), [.random(3, 4), .random(4, 5)]),
    GradientCase("matmul bias", .matMul(MatMul()), [.random(2, 3, 4), .random(4, 5), .random(5)]),
    GradientCase("matmul tall", .matMul(MatMul()), [.random(2, 3, 4), .random(4, 5)]),
    GradientCase("matmul stack", .matMul(MatMul()), [.random(2, 3, 4), .random(2, 4, 5)]),
    GradientCase(
      "matmul broadcast", .matMul(MatMul()), [.random(2, 1, 3, 4), .random(1, 3, 4, 2)]),
    GradientCase("matmul short left", .matMul(MatMul()), [.random(3, 4), .random(2, 4, 5)]),
    GradientCase("matmul vector left", .matMul(MatMul()), [.random(4), .random(2, 4, 5)]),
    GradientCase("matmul vector right", .matMul(MatMul()), [.random(2, 3, 4), .random(4)]),
    GradientCase("matmul row", .matMul(MatMul()), [.random(4), .random(4, 5)]),
    GradientCase("matmul dot", .matMul(MatMul()), [.random(4), .random(4)]),
    GradientCase(
      "matmul gelu", .matMul(MatMul(activation: .gelu)), [.random(3, 4), .random(4, 5)]),
  ]

/// Kernel, strides, pads and dilations in one, two and three dimensions.
private let convolutions: [(name: String, window: Window, group: Int, spatial: [Int])] = [
  ("1x1", Window(kernel: [1, 1]), 1, [3, 4]),
  ("3x3", Window(kernel: [3, 3], pads: [1, 1, 1, 1]), 1, [4, 5]),
  ("strided", Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]), 1, [6, 5]),
  ("remainder", Window(kernel: [2, 2], strides: [3, 3]), 1, [7, 6]),
  ("dilated", Window(kernel: [3, 2], pads: [2, 0, 1, 1], dilations: [2, 3]), 1, [6, 7]),
  ("grouped", Window(kernel: [3, 3], strides: [2, 1], pads: [0, 1, 1, 1]), 2, [5, 5]),
  ("depthwise", Window(kernel: [3, 3], pads: [1, 1, 1, 1]), 4, [4, 4]),
  ("same", with(Window(kernel: [3, 3], strides: [2, 2])) { $0.autoPad = .sameUpper }, 1, [5, 6]),
  ("cut off", Window(kernel: [2, 2], pads: [-1, 0, 0, -1]), 1, [5, 5]),
  ("line", Window(kernel: [3], strides: [2], pads: [1, 1]), 2, [7]),
  (
    "volume", Window(kernel: [2, 2, 2], strides: [1, 2, 1], pads: [0, 1, 0, 0, 0, 1]), 1, [3, 3, 3]
  ),
]

let windowCases: [GradientCase] =
  convolutions.map { name, window, group, spatial in
    let kernel = window.kernel ?? []
    return GradientCase(
      "conv \(name)", .conv(Conv(window: window, group: group)),
      [
        .random([2, 4] + spatial, -1...1), .random([4, 4 / group] + kernel, -1...1), .random(4),
      ])
  }
  + convolutions.filter { $0.name != "cut off" }.map { name, window, group, spatial in
    let kernel = window.kernel ?? []
    return GradientCase(
      "convtranspose \(name)", .convTranspose(ConvTranspose(window: window, group: group)),
      [
        .random([2, 4] + spatial.map { $0 - 2 }, -1...1),
        .random([4, 4 / group] + kernel, -1...1), .random(4),
      ])
  } + [
    GradientCase(
      "conv addend", .conv(Conv(activation: .hardSwish)),
      [.random(1, 2, 3, 3), .random(3, 2, 2, 2), .random(3), .random(1, 3, 2, 2)]),
    GradientCase(
      "convtranspose padded",
      .convTranspose(
        with(ConvTranspose(window: Window(strides: [2, 2]))) { $0.outputPadding = [1, 0] }),
      [.random(1, 2, 3, 3), .random(2, 3, 2, 2)]),
    GradientCase(
      "convtranspose shaped",
      .convTranspose(
        with(ConvTranspose(window: Window(strides: [2, 2]))) { $0.outputShape = [9, 5] }),
      [.random(1, 2, 3, 3), .random(2, 1, 2, 2), .random(1)]),
  ] + poolCases

private let poolCases: [GradientCase] =
  [Pool.Kind.max, .average].flatMap { kind in
    [
      GradientCase(
        "\(kind) pool", .pool(Pool(kind, window: Window(kernel: [2, 2], strides: [2, 2]))),
        [.random(2, 3, 4, 5)]),
      GradientCase(
        "\(kind) pool overlapping",
        .pool(Pool(kind, window: Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]))),
        [.random(2, 2, 6, 5)]),
      GradientCase(
        "\(kind) pool rounded up",
        .pool(
          with(Pool(kind, window: Window(kernel: [3, 3], strides: [2, 2], pads: [0, 1, 0, 1]))) {
            $0.ceilMode = true
          }), [.random(1, 2, 6, 6)]),
      GradientCase(
        "\(kind) pool line",
        .pool(Pool(kind, window: Window(kernel: [2], strides: [3], dilations: [2]))),
        [.random(1, 2, 8)]),
      GradientCase("global \(kind) pool", .globalPool(GlobalPool(kind)), [.random(2, 3, 3, 4)]),
    ]
  } + [
    GradientCase(
      "average pool with padding",
      .pool(
        with(Pool(.average, window: Window(kernel: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1]))) {
          ($0.countsPadding, $0.ceilMode) = (true, true)
        }), [.random(1, 2, 6, 6)])
  ]

let normalizationCases: [GradientCase] =
  [-1, 1, 0].flatMap { axis in
    [false, true].map { isLog in
      GradientCase(
        "softmax \(axis) \(isLog)", .softmax(Softmax(axis: axis, isLog: isLog)),
        [.random(3, 4, 2)])
    }
  } + [
    GradientCase(
      "batch norm", .batchNormalization(BatchNormalization()),
      [.random(2, 3, 2, 2), .random(3), .random(3), .random(3), .positive(3)]),
    GradientCase(
      "batch norm of rows", .batchNormalization(BatchNormalization()),
      [.random(4, 3), .random(3), .random(3), .random(3), .positive(3)]),
    GradientCase(
      "batch norm in training",
      .batchNormalization(with(BatchNormalization()) { $0.isTraining = true }),
      [
        .random(3, 2, 2, 2), .random(2), .random(2), .constant(Tensor([0.0, 0])),
        .constant(Tensor([1.0, 1])),
      ], outputs: 3),
    GradientCase(
      "layer norm", .layerNormalization(LayerNormalization()),
      [.random(2, 3, 4), .random(4), .random(4)]),
    GradientCase(
      "layer norm of planes", .layerNormalization(LayerNormalization(axis: 1)),
      [.random(2, 3, 4), .random(3, 1)]),
    GradientCase(
      "rms norm", .rmsNormalization(RMSNormalization()), [.random(2, 3, 4), .random(4)]),
  ]

let reductionCases: [GradientCase] = Reduce.Kind.allCases.flatMap { kind in
  let range = kind == .logSum || kind == .l2 || kind == .product ? 0.3...2 : -1.5...1.5
  return [
    GradientCase(kind.name, .reduce(Reduce(kind)), [.random([2, 3, 4], range), .integers([1])]),
    GradientCase(
      "\(kind.name) dropping axes", .reduce(Reduce(kind, keepsDimensions: false)),
      [.random([2, 3, 4], range), .integers([-1, 0])]),
    GradientCase(
      "\(kind.name) of all", .reduce(Reduce(kind, keepsDimensions: false)),
      [.random([2, 3], range)]),
  ]
}

let movementCases: [GradientCase] = [
  GradientCase("reshape", .reshape(Reshape()), [.random(2, 6), .integers([3, -1])]),
  GradientCase("flatten", .flatten(Flatten()), [.random(2, 3, 2)]),
  GradientCase("squeeze", .squeeze(Squeeze()), [.random(2, 1, 3), .integers([1])]),
  GradientCase("unsqueeze", .unsqueeze(Unsqueeze()), [.random(2, 3), .integers([0, 2])]),
  GradientCase("transpose", .transpose(Transpose([2, 0, 1])), [.random(2, 3, 4)]),
  GradientCase("transpose back", .transpose(Transpose()), [.random(2, 3, 4)]),
  GradientCase("expand", .expand(Expand()), [.random(3, 1), .integers([2, 3, 4])]),
  GradientCase(
    "concat", .concat(Concat(axis: -1)), [.random(2, 1), .random(2, 3), .random(2, 2)]),
  GradientCase(
    "split", .split(Split(axis: 1)), [.random(2, 5), .integers([1, 4])], outputs: 2,
    used: [0, 1]),
  GradientCase("split in part", .split(Split(axis: -1)), [.random(2, 5)], outputs: 3, used: [1]),
  GradientCase(
    "pad", .pad(Pad()), [.random(2, 3), .integers([1, 0, 0, 2]), .random()]),
  GradientCase(
    "pad and cut", .pad(Pad()),
    [.random(3, 4), .integers([-1, 2]), .absent, .integers([1])]),
  GradientCase("slice", .slice(Slice()), [.random(5, 4), .integers([1, 0]), .integers([4, 2])]),
  GradientCase(
    "slice in steps", .slice(Slice()),
    [
      .random(7, 3, 4), .integers([1, -1, 1]), .integers([7, -100, 3]), .integers([0, 2, 1]),
      .integers([3, -2, 1]),
    ]),
  GradientCase(
    "gather one", .gather(Gather(axis: 1)), [.random(2, 5), .constant(Tensor(scalar: Int64(-2)))]),
  GradientCase(
    "gather one row", .gather(Gather(axis: 1)),
    [.random(2, 5, 2), .constant(Tensor([Int64(3)], shape: [1, 1]))]),
  GradientCase(
    "gather rows", .gather(Gather()),
    [.random(5, 3), .constant(Tensor([Int64(0), 3, -1, 3], shape: [2, 2]))]),
  GradientCase(
    "gather inside", .gather(Gather(axis: 1)),
    [.random(2, 5, 3), .constant(Tensor([Int64(4), 0, 4, 1, 2, 2], shape: [3, 2]))]),
  GradientCase(
    "gather elements", .gatherElements(GatherElements(axis: 1)),
    [.random(2, 3), .constant(Tensor([Int64(0), 0, 2, 1], shape: [2, 2]))]),
  GradientCase("trilu", .trilu(Trilu()), [.random(2, 3, 3), .constant(Tensor(scalar: Int64(1)))]),
]

let lossCases: [GradientCase] = [LossReduction.mean, .sum, .none].flatMap { reduction in
  let labels = GradientOperand.constant(Tensor([Int64(1), 0, 3, 1, 2, 3], shape: [2, 3]))
  let softmax = Op.softmaxCrossEntropyLoss(
    with(SoftmaxCrossEntropyLoss()) { $0.reduction = reduction })
  let ignoring = Op.softmaxCrossEntropyLoss(
    with(SoftmaxCrossEntropyLoss()) { ($0.reduction, $0.ignoredClass) = (reduction, 3) })
  let likelihood = Op.negativeLogLikelihoodLoss(
    with(NegativeLogLikelihoodLoss()) { ($0.reduction, $0.ignoredClass) = (reduction, 1) })
  let weights = GradientOperand.constant(Tensor([0.5, 1, 2, 0.25]))
  return [
    GradientCase("cross entropy \(reduction)", softmax, [.random(3, 4), .integers([2, 0, 3])]),
    GradientCase("cross entropy of planes \(reduction)", softmax, [.random(2, 4, 3), labels]),
    GradientCase("weighted \(reduction)", softmax, [.random(2, 4, 3), labels, weights]),
    GradientCase("ignoring \(reduction)", ignoring, [.random(2, 4, 3), labels, weights]),
    GradientCase(
      "with logarithms \(reduction)", ignoring, [.random(2, 4, 3), labels], outputs: 2,
      used: [0, 1]),
    GradientCase(
      "logarithms only \(reduction)", softmax, [.random(2, 4, 3), labels], outputs: 2, used: [1]),
    GradientCase("likelihood \(reduction)", likelihood, [.random(2, 4, 3), labels, weights]),
  ]
}
