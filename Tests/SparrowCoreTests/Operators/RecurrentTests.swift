import SparrowCore
import Testing

/// Layers of one input and one hidden value, whose states are worked out by hand.
@Suite struct RecurrentTests {
  private static func weights(_ values: [Double]) -> Tensor {
    Tensor(values, shape: [1, values.count, 1])
  }

  private static let x = Tensor([1.0, -2, 3], shape: [3, 1, 1])

  @Test func aLinearRNNAddsInputsAndState() throws {
    var op = Recurrent(.rnn)
    op.activations = [.affine]
    // h = x + h / 2: 1, -1.5, 2.25
    let forward = try op.compute(
      Operands([Self.x, Self.weights([1]), Self.weights([0.5])], outputCount: 2))
    #expect(
      forward == [
        Tensor([1, -1.5, 2.25], shape: [3, 1, 1, 1]), Tensor([2.25], shape: [1, 1, 1]),
      ])
    // Backwards over the first two steps: -2, 0
    op.direction = .reverse
    let lengths = Tensor([Int32(2)])
    let reverse = try op.compute(
      Operands(
        [Self.x, Self.weights([1]), Self.weights([0.5]), nil, lengths], outputCount: 2))
    #expect(
      reverse == [Tensor([0.0, -2, 0], shape: [3, 1, 1, 1]), Tensor([0.0], shape: [1, 1, 1])])
  }

  @Test func anLSTMOfLinearGatesKeepsItsCell() throws {
    var op = Recurrent(.lstm)
    op.activations = [.affine, .affine, .affine]
    // Gates without state: input 2x, output x, forget 1 (its bias), cell x; c = c + 2 x^2, h = x c.
    let w = Self.weights([2, 1, 0, 1])
    let r = Self.weights([0, 0, 0, 0])
    let bias = Tensor([0.0, 0, 0.25, 0, 0, 0, 0.75, 0], shape: [1, 8])
    let made = try op.compute(Operands([Self.x, w, r, bias], outputCount: 3))
    #expect(
      made == [
        Tensor([2.0, -20, 84], shape: [3, 1, 1, 1]), Tensor([84.0], shape: [1, 1, 1]),
        Tensor([28.0], shape: [1, 1, 1]),
      ])
  }

  @Test(arguments: [(false, [0.5, -1.25]), (true, [1.5, -3.25])])
  func aGRUResetsBeforeOrAfterTheProduct(isLinear: Bool, expected: [Double]) throws {
    var op = Recurrent(.gru)
    op.activations = [.affine, .affine]
    op.isLinearBeforeReset = isLinear
    // Update 1/2, reset x, hidden x - 1 + r (h + 1) or, reset first, x - 1 + 1 + r h.
    let bias = Tensor([0.5, 0, -1, 0, 0, 1], shape: [1, 6])
    let x = Tensor([1.0, -2], shape: [2, 1, 1])
    let h = Tensor([isLinear ? 1.0 : 0], shape: [1, 1, 1])
    let made = try op.compute(
      Operands([x, Self.weights([0, 1, 1]), Self.weights([0, 0, 1]), bias, nil, h]))
    #expect(made == [Tensor(expected, shape: [2, 1, 1, 1])])
  }

  @Test func parametersGoToTheActivationsThatHaveSome() throws {
    var op = Recurrent(.lstm)
    op.activations = [.leakyRelu, .tanh, .hardSigmoid]
    (op.alphas, op.betas) = ([0.5], [0.75])
    let functions = try op.functions(direction: 0)
    #expect(functions.map { $0.alpha } == [0.5, 0, 0.2])
    #expect(functions.map { $0.beta } == [0, 0, 0.75])
    op.activations = [.tanh]
    #expect(throws: InferenceError.self) { try op.functions(direction: 0) }
  }

  @Test func lengthsOutOfRangeAreBounded() throws {
    var op = Recurrent(.rnn)
    op.activations = [.affine]
    for (length, expected) in [(-5, [0.0, 0, 0]), (99, [1, -1.5, 2.25])] {
      let made = try op.compute(
        Operands([
          Self.x, Self.weights([1]), Self.weights([0.5]), nil, Tensor([Int32(length)]),
        ]))
      #expect(made == [Tensor(expected, shape: [3, 1, 1, 1])])
    }
  }
}
