import SparrowCore
import Testing

@Suite struct LossTests {
  private static let logs = Tensor([-1, -2, -3, -4, -5, -6] as [Float], shape: [2, 3])
  private static let targets = Tensor([Int64(2), 0])

  @Test func likelihoodsOfTargets() throws {
    var op = NegativeLogLikelihoodLoss()
    func loss(_ weights: Tensor? = nil) throws -> [Double] {
      try compute(.negativeLogLikelihoodLoss(op), Self.logs, Self.targets, weights)[0].doubles
    }
    #expect(try loss() == [3.5])
    #expect(try loss(Tensor([3, 0, 1] as [Float])) == [3.75])
    op.reduction = .sum
    #expect(try loss() == [7])
    op.reduction = .none
    #expect(try loss(Tensor([3, 0, 1] as [Float])) == [3, 12])
    op.ignoredClass = 2
    #expect(try loss() == [0, 4])
    op.reduction = .mean
    #expect(try loss() == [4])
    #expect(throws: ComputeError.self) {
      try compute(.negativeLogLikelihoodLoss(op), Self.logs, Tensor([Int64(3), 0]))
    }
  }

  @Test func positionsHaveTargetsOfTheirOwn() throws {
    // Two classes at two positions of one sample.
    let logs = Tensor([-1, -2, -3, -4] as [Float], shape: [1, 2, 2])
    var op = NegativeLogLikelihoodLoss()
    op.reduction = .none
    let y = try compute(
      .negativeLogLikelihoodLoss(op), logs, Tensor([1, 0] as [Int32], shape: [1, 2]))
    #expect(y == [Tensor([3, 2] as [Float], shape: [1, 2])])
  }

  @Test func crossEntropyTakesTheSoftmax() throws {
    let scores = Tensor([0, 1.0986122886681098] as [Double], shape: [1, 2])
    let outputs = try compute(
      .softmaxCrossEntropyLoss(SoftmaxCrossEntropyLoss()), scores, Tensor([Int64(0)]), outputs: 2)
    #expect(isNear(outputs[0], [1.3862943611198906]))
    #expect(isNear(outputs[1], [-1.3862943611198906, -0.2876820724517809]))
  }
}
