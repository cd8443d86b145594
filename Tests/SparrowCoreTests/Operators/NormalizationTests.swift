import SparrowCore
import Testing

/// Whether a tensor holds `expected` to a tolerance for float32.
func isNear(_ tensor: Tensor, _ expected: [Double], tolerance: Double = 1e-5) -> Bool {
  let values = tensor.doubles
  return values.count == expected.count
    && zip(values, expected).allSatisfy { abs($0 - $1) <= tolerance * (1 + abs($1)) }
}

@Suite struct NormalizationTests {
  @Test func hardmaxMarksTheFirstLargest() throws {
    let x = Tensor([1, 3, 3, 0, 2, 1] as [Float], shape: [2, 3])
    #expect(
      try compute(.hardmax(Hardmax()), x) == [
        Tensor([0, 1, 0, 0, 1, 0] as [Float], shape: [2, 3])
      ])
    #expect(
      try compute(.hardmax(Hardmax(axis: 0)), x)
        == [Tensor([1, 1, 1, 0, 0, 0] as [Float], shape: [2, 3])])
  }

  @Test func softmaxOfTwo() throws {
    let x = Tensor([0, 1.0986122886681098] as [Double])
    #expect(isNear(try compute(.softmax(Softmax()), x)[0], [0.25, 0.75]))
    let log = try compute(.softmax(Softmax(isLog: true)), x)[0]
    #expect(isNear(log, [-1.3862943611198906, -0.2876820724517809]))
    #expect(
      try compute(.softmax(Softmax(axis: 0)), Tensor(scalar: Float(7))) == [
        Tensor(scalar: Float(1))
      ])
  }

  @Test func normsDivide() throws {
    let x = Tensor([3, 4, 0, 0] as [Float], shape: [2, 2])
    var op = LpNormalization()
    #expect(isNear(try compute(.lpNormalization(op), x)[0], [0.6, 0.8, 0, 0]))
    op.p = 1
    #expect(isNear(try compute(.lpNormalization(op), x)[0], [3.0 / 7, 4.0 / 7, 0, 0]))
  }

  @Test func meanAndVarianceAreTakenAway() throws {
    let x = Tensor([1, 3, 5, 5] as [Float], shape: [2, 2])
    var op = MeanVarianceNormalization()
    op.axes = [1]
    #expect(isNear(try compute(.meanVarianceNormalization(op), x)[0], [-1, 1, 0, 0]))
  }

  @Test func groupsAreNormalizedByThemselves() throws {
    // Two groups of two channels of two elements; channels 1 and 3 are doubled and shifted.
    let x = Tensor([1, 1, 3, 3, 0, 2, 4, 6] as [Float], shape: [1, 4, 2])
    let (scale, bias) = (Tensor([1, 2, 1, 2] as [Float]), Tensor([0, 1, 0, 1] as [Float]))
    var op = GroupNormalization(groups: 2)
    op.epsilon = 0
    let deviation = 5.0.squareRoot()
    #expect(
      isNear(
        try compute(.groupNormalization(op), x, scale, bias)[0],
        [-1, -1, 3, 3, -3 / deviation, -1 / deviation, 1 + 2 / deviation, 1 + 6 / deviation]))
    var instances = GroupNormalization(groups: nil)
    instances.epsilon = 0
    let y = Tensor([0, 2, 5, 9] as [Float], shape: [1, 2, 2])
    let (two, zero) = (Tensor([1, 2] as [Float]), Tensor([0, 1] as [Float]))
    #expect(isNear(try compute(.groupNormalization(instances), y, two, zero)[0], [-1, 1, -1, 3]))
  }

  @Test func rootMeanSquaresDivide() throws {
    let x = Tensor([3, 4, 0, 5] as [Float], shape: [2, 2])
    let op = RMSNormalization(epsilon: 0)
    let root = 12.5.squareRoot()
    #expect(
      isNear(
        try compute(.rmsNormalization(op), x, Tensor([1, 2] as [Float]))[0],
        [3 / root, 8 / root, 0, 10 / root]))
    let half = Tensor(.float16, [2, 2], doubles: x.doubles)
    #expect(
      try compute(.rmsNormalization(op), half, Tensor([1, 2] as [Float]))[0].dtype == .float32)
  }

  @Test func layerStatisticsAreOutputsToo() throws {
    let x = Tensor([1, 3, 2, 6] as [Float], shape: [2, 2])
    let op = LayerNormalization(epsilon: 0)
    let outputs = try compute(
      .layerNormalization(op), x, Tensor([Float(1)]), Tensor(scalar: Float(1)), outputs: 3)
    #expect(isNear(outputs[0], [0, 2, 0, 2]))
    #expect(outputs[1] == Tensor([2, 4] as [Float], shape: [2, 1]))
    #expect(outputs[2] == Tensor([1, 0.5] as [Float], shape: [2, 1]))
  }

  @Test func neighbouringChannelsDivide() throws {
    let x = Tensor([1, 2, 3] as [Float], shape: [1, 3, 1])
    var op = LRN()
    (op.alpha, op.beta, op.bias, op.size) = (3, 1, 1, 3)
    #expect(isNear(try compute(.lrn(op), x)[0], [1.0 / 6, 2.0 / 15, 3.0 / 14]))
    op.size = 2  // an even window reaches further to the following channels
    op.alpha = 2
    #expect(isNear(try compute(.lrn(op), x)[0], [1.0 / 6, 2.0 / 14, 3.0 / 10]))
  }

  @Test func trainingMovesTheStatistics() throws {
    let x = Tensor([1, 3, 10, 30] as [Float], shape: [1, 2, 2])
    let ones = Tensor([1, 1] as [Float])
    let zeros = Tensor([0, 0] as [Float])
    var op = BatchNormalization()
    (op.epsilon, op.momentum, op.isTraining) = (0, 0.75, true)
    let outputs = try compute(.batchNormalization(op), x, ones, zeros, zeros, ones, outputs: 3)
    #expect(isNear(outputs[0], [-1, 1, -1, 1]))
    #expect(isNear(outputs[1], [0.5, 5]))
    #expect(isNear(outputs[2], [1, 25.75]))
    op.isTraining = false
    let plain = try compute(
      .batchNormalization(op), x, ones, zeros, ones, Tensor([4, 25] as [Float]))
    #expect(isNear(plain[0], [0, 1, 1.8, 5.8]))
  }
}
