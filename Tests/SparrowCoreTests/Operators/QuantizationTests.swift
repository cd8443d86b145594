import SparrowCore
import Testing

@Suite struct QuantizationTests {
  @Test func quantisingRoundsTiesToEvenAndSaturates() throws {
    let x = Tensor([Float(-3), -0.5, 0.25, 0.75, 1.25, .nan, 1000, -.infinity])
    let zero = Tensor(scalar: Int8(1))
    let made = try QuantizeLinear().compute(Operands([x, Tensor(scalar: Float(0.5)), zero]))
    #expect(made == [Tensor([Int8(-5), 0, 1, 3, 3, 1, 127, -128])])
  }

  @Test func scalesBelongToAxesAndBlocks() throws {
    let x = Tensor([Float(2), 4, 6, 8, 10, 12], shape: [2, 3])
    var op = QuantizeLinear()
    op.axis = 0
    let rows = try op.compute(Operands([x, Tensor([Float(2), 4]), Tensor([UInt8(0), 10])]))
    #expect(rows == [Tensor([UInt8(1), 2, 3, 12, 12, 13], shape: [2, 3])])
    (op.axis, op.block) = (1, 2)
    let scales = Tensor([Float(1), 2, 4, 1], shape: [2, 2])
    let blocks = try op.compute(Operands([x, scales]))
    #expect(blocks == [Tensor([UInt8(2), 4, 3, 2, 2, 12], shape: [2, 3])])
    var back = DequantizeLinear()
    (back.axis, back.block) = (1, 2)
    let again = try back.compute(Operands([blocks[0], scales]))
    #expect(again == [Tensor([Float(2), 4, 6, 8, 8, 12], shape: [2, 3])])
  }

  @Test func dynamicRangesIncludeZero() throws {
    let made = try DynamicQuantizeLinear().compute(
      Operands([Tensor([Float(-51), 204])], outputCount: 3))
    #expect(
      made == [Tensor([UInt8(0), 255]), Tensor(scalar: Float(1)), Tensor(scalar: UInt8(51))])
    let zeros = try DynamicQuantizeLinear().compute(Operands([Tensor([Float(0)])], outputCount: 3))
    #expect(zeros[0] == Tensor([UInt8(0)]))
  }

  @Test func integerProductsSubtractZeroPoints() throws {
    let a = Tensor([UInt8(1), 2, 3, 4], shape: [2, 2])
    let b = Tensor([Int8(5), 6, 7, 8], shape: [2, 2])
    let made = try IntegerProduct().compute(
      Operands([a, b, Tensor(scalar: UInt8(1)), Tensor([Int8(5), 0])]))
    // [0 1; 2 3] [0 6; 2 8]
    #expect(made == [Tensor([Int32(2), 8, 6, 36], shape: [2, 2])])
    let scales = Tensor([Float(1), 0.5])
    let quantized = try IntegerProduct(isQuantized: true).compute(
      Operands([
        a, Tensor(scalar: Float(1)), Tensor(scalar: UInt8(1)), b, scales, Tensor([Int8(5), 0]),
        Tensor(scalar: Float(2)), Tensor(scalar: Int8(-3)),
      ]))
    // halves of 2, 4, 6, 18, less 3
    #expect(quantized == [Tensor([Int8(-2), -1, 0, 6], shape: [2, 2])])
  }

  @Test func integerConvolutionsPadWithTheZeroPoint() throws {
    let x = Tensor([UInt8(11), 12, 13], shape: [1, 1, 3])
    let w = Tensor([Int8(1), 10, 100, 1, 1, 1], shape: [2, 1, 3])
    var op = IntegerConvolution()
    op.window = Window(pads: [1, 1])
    let made = try op.compute(
      Operands([x, w, Tensor(scalar: UInt8(10)), Tensor([Int8(0), -1])]))
    #expect(made == [Tensor([Int32(210), 321, 32, 6, 12, 10], shape: [1, 2, 3])])
    var quantized = IntegerConvolution(isQuantized: true)
    quantized.window = op.window
    let result = try quantized.compute(
      Operands([
        x, Tensor(scalar: Float(0.5)), Tensor(scalar: UInt8(10)), w, Tensor([Float(1), 2]),
        Tensor([Int8(0), -1]), Tensor(scalar: Float(1)), Tensor(scalar: UInt8(5)),
        Tensor([Int32(10), 0]),
      ]))
    // (sums + 10) / 2 and the sums, plus 5
    #expect(result == [Tensor([UInt8(115), 171, 26, 11, 17, 15], shape: [1, 2, 3])])
  }
}

@Suite struct ClassicalTests {
  @Test func labelsComeFromATable() throws {
    var op = LabelEncoder()
    op.keys = NumberList(.float32, [1, .nan, 3, 1])
    op.values = NumberList(.int64, [10, 20, 30, 40])
    let x = Tensor([Float(1), 2, .nan, 3])
    #expect(try op.compute(Operands([x])) == [Tensor([Int64(40), -1, 20, 30])])
    op.otherwise = NumberList(.int64, [7])
    #expect(try op.compute(Operands([x])) == [Tensor([Int64(40), 7, 20, 30])])
  }

  /// x0 <= 1 ? leaf 0 : (x1 in {2, 3} ? leaf 1 : leaf 2)
  private func tree() -> TreeEnsemble {
    var op = TreeEnsemble()
    op.targets = 2
    op.features = [0, 1]
    op.splits = NumberList(.float32, [1, 0])
    op.modes = NumberList(.uint8, [0, 6])
    (op.trueIDs, op.trueLeaves) = ([0, 1], [1, 1])
    (op.falseIDs, op.falseLeaves) = ([1, 2], [0, 1])
    op.members = NumberList(.float32, [2, 3, .nan])
    op.leafTargets = [0, 1, 0]
    op.leafWeights = NumberList(.float32, [5, 6, 7])
    op.roots = [0]
    return op
  }

  @Test func treesLeadToLeaves() throws {
    var op = tree()
    let x = Tensor([Float(1), 0, 2, 3, 2, 4, .nan, 2], shape: [4, 2])
    #expect(
      try op.compute(Operands([x])) == [Tensor([Float(5), 0, 0, 6, 7, 0, 0, 6], shape: [4, 2])])
    op.missingTracksTrue = [1, 0]
    op.transform = 1
    let made = try op.compute(Operands([x]))[0].doubles
    #expect(abs(made[6] - 1 / (1 + Math.exp(-5))) < 1e-6)
  }

  @Test func treesOfNonsenseAreRefused() {
    let x = Tensor([Float(1), 0], shape: [1, 2])
    let changes: [(inout TreeEnsemble) -> Void] = [
      { $0.features = [0, 2] }, { $0.trueIDs = [0, 3] }, { $0.falseIDs = [-1, 2] },
      { $0.falseIDs = [0, 2] }, { $0.roots = [2] }, { $0.members = nil },
      { $0.leafTargets = [0, 2, 0] },
      { $0.leafTargets = [0] }, { $0.splits = nil }, { $0.modes = NumberList(.uint8, [0, 9]) },
    ]
    for change in changes {
      var op = tree()
      change(&op)
      #expect(throws: ComputeError.self) { try op.compute(Operands([x])) }
    }
  }
}
