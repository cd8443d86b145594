/// ONNX LSTM, GRU and RNN: one recurrent layer over a sequence, in one or both directions.
///
/// With S steps, a batch of B, I inputs, H hidden values, D directions and G gates (4, 3, 1):
/// ```
/// x [S,B,I]  W [D,G*H,I]  R [D,G*H,H]  B? [D,2*G*H]  sequence_lens? [B]  initial_h? [D,B,H]
/// LSTM only: initial_c? [D,B,H]  P? [D,3*H]
/// outputs: Y [S,D,B,H]  Y_h? [D,B,H]  LSTM only: Y_c? [D,B,H]
/// ```
/// In layout 1 the batch comes first: x `[B,S,I]`, Y `[B,S,D,H]`, states `[B,D,H]`.
public struct Recurrent: Operator {
  public enum Cell: Hashable, Sendable, CaseIterable {
    case gru, lstm, rnn

    /// LSTM: input, output, forget, cell. GRU: update, reset, hidden.
    public var gates: Int {
      switch self {
      case .gru: 3
      case .lstm: 4
      case .rnn: 1
      }
    }

    var functions: [RecurrentFunction] {
      switch self {
      case .gru: [.sigmoid, .tanh]
      case .lstm: [.sigmoid, .tanh, .tanh]
      case .rnn: [.tanh]
      }
    }
  }

  public enum Direction: AttributeChoice {
    case forward, reverse, bidirectional
    public var name: String {
      switch self {
      case .forward: "forward"
      case .reverse: "reverse"
      case .bidirectional: "bidirectional"
      }
    }
  }

  public let cell: Cell
  public var direction = Direction.forward
  /// Of every direction one after the other; empty: the cell's own.
  public var activations: [RecurrentFunction] = []
  /// Parameters of those activations that have some, in their order; defaults where too few.
  public var alphas: [Float] = []
  public var betas: [Float] = []
  /// Bounds what the gates' activations are given to -clip ... clip; an LSTM's cell is not bounded.
  public var clip: Float?
  public var hiddenSize: Int?
  /// 1: the batch comes before the steps.
  public var layout = 0
  /// LSTM: the forget gate is 1 - the input gate.
  public var couplesForget = false
  /// GRU: the hidden gate's product comes before its reset.
  public var isLinearBeforeReset = false

  public init(_ cell: Cell) { self.cell = cell }

  public var name: String {
    switch cell {
    case .gru: "GRU"
    case .lstm: "LSTM"
    case .rnn: "RNN"
    }
  }

  public static var variants: [Self] { Cell.allCases.map { Self($0) } }
  public var inputCount: ClosedRange<Int> { cell == .lstm ? 3...8 : 3...6 }
  public var directions: Int { direction == .bidirectional ? 2 : 1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("activation_alpha", &alphas)
    try visitor.visit("activation_beta", &betas)
    try visitor.visit("activations", &activations)
    try visitor.visit("clip", &clip)
    try visitor.visit("direction", &direction)
    try visitor.visit("hidden_size", &hiddenSize)
    try visitor.visit("layout", &layout)
    if cell == .lstm { try visitor.visit("input_forget", &couplesForget) }
    if cell == .gru { try visitor.visit("linear_before_reset", &isLinearBeforeReset) }
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard layout == 0 || layout == 1 else {
      throw InferenceError("layout is \(layout), expected 0 or 1")
    }
    guard context.outputCount <= (cell == .lstm ? 3 : 2) else {
      throw InferenceError("\(name) does not have \(context.outputCount) outputs")
    }
    let x = try context.type(0)
    let hidden = try hiddenDimension(context)
    let input = x.dimensions ?? [.unknown, .unknown, .unknown]
    guard input.count == 3 else { throw InferenceError("x has rank \(input.count), expected 3") }
    let (steps, batch) = layout == 0 ? (input[0], input[1]) : (input[1], input[0])
    try checkWeights(context, inputs: input[2], hidden: hidden, batch: batch)
    let count = Dimension.known(directions)
    let all = layout == 0 ? [steps, count, batch, hidden] : [batch, steps, count, hidden]
    let state = layout == 0 ? [count, batch, hidden] : [batch, count, hidden]
    return (0..<context.outputCount).map { TensorType(x.dtype, $0 == 0 ? all : state) }
  }

  private func hiddenDimension(_ context: InferenceContext) throws(InferenceError) -> Dimension {
    var hidden = hiddenSize.map { Dimension.known($0) } ?? .unknown
    if let recurrence = try context.dimensions(2) {
      try ShapeRules.require(rank: recurrence, 3...3, "R")
      hidden = try ShapeRules.unify(recurrence[2], hidden, what: "hidden_size and R's last axis")
    }
    if let value = hidden.value, value < 1 || value > TensorType.longestAxis {
      throw InferenceError("the hidden size is \(value), expected 1 or more")
    }
    return hidden
  }

  private func checkWeights(
    _ context: InferenceContext, inputs: Dimension, hidden: Dimension, batch: Dimension
  ) throws(InferenceError) {
    let directions = Dimension.known(self.directions)
    func times(_ factor: Int) -> Dimension { hidden.value.map { .known($0 * factor) } ?? .unknown }
    let gates = times(cell.gates)
    try check(context, 1, "W", [directions, gates, inputs])
    try check(context, 2, "R", [directions, gates, hidden])
    try check(context, 3, "B", [directions, times(2 * cell.gates)])
    try check(context, 4, "sequence_lens", [batch])
    let state = layout == 0 ? [directions, batch, hidden] : [batch, directions, hidden]
    try check(context, 5, "initial_h", state)
    try check(context, 6, "initial_c", state)
    try check(context, 7, "P", [directions, times(3)])
  }

  private func check(
    _ context: InferenceContext, _ i: Int, _ name: String, _ expected: [Dimension]
  ) throws(InferenceError) {
    guard context.has(i), let found = try context.dimensions(i) else { return }
    try ShapeRules.require(rank: found, expected.count...expected.count, name)
    for (axis, (a, b)) in zip(found, expected).enumerated() {
      _ = try ShapeRules.unify(a, b, what: "axis \(axis) of \(name)")
    }
  }

  /// The gates' functions of one direction.
  public func functions(
    direction: Int
  ) throws(InferenceError) -> [RecurrentActivation] {
    let own = cell.functions
    var all = activations
    if all.isEmpty { for _ in 0..<directions { all += own } }
    guard all.count == own.count * directions else {
      throw InferenceError(
        "there are \(all.count) activations, expected \(own.count * directions)")
    }
    var (alpha, beta) = (alphas[...], betas[...])
    var result: [RecurrentActivation] = []
    for function in all {
      let defaults = function.defaults
      result.append(
        RecurrentActivation(
          function: function,
          alpha: defaults.alpha == nil ? 0 : alpha.popFirst() ?? defaults.alpha ?? 0,
          beta: defaults.beta == nil ? 0 : beta.popFirst() ?? defaults.beta ?? 0))
    }
    return Array(result[(direction * own.count)..<((direction + 1) * own.count)])
  }
}
