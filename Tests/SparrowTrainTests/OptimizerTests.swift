import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowTrain

/// Every rule against the same in float64, element by element.
struct OptimizerTests {
  static let settings: [OptimizerSettings] = [
    OptimizerSettings(.sgd, momentum: 0),
    OptimizerSettings(.sgd, weightDecay: 0.01),
    OptimizerSettings(.sgd, nesterov: true, weightDecay: 0.01, decaysVectors: false),
    OptimizerSettings(.adam, weightDecay: 0.02),
    OptimizerSettings(.adamw, weightDecay: 0.1, decaysVectors: false),
    OptimizerSettings(.lars, weightDecay: 0.01, decaysVectors: false),
  ]

  /// What the papers and PyTorch's documentation say, in float64.
  private struct Reference {
    var settings: OptimizerSettings
    var p: [Double]
    var m: [Double]
    var v: [Double]
    var isVector: Bool
    var t = 0.0

    mutating func step(_ g: [Double], rate: Double) {
      t += 1
      let decay = isVector && !settings.decaysVectors ? 0 : settings.weightDecay
      func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      let ratio =
        isVector
        ? 1 : settings.trust * norm(p) / (norm(g) + decay * norm(p) + settings.epsilon)
      for i in p.indices {
        let slope = g[i] + decay * p[i]
        switch settings.rule {
        case .sgd:
          m[i] = settings.momentum * m[i] + slope
          p[i] -= rate * (settings.nesterov ? slope + settings.momentum * m[i] : m[i])
        case .lars:
          m[i] = settings.momentum * m[i] + rate * ratio * slope
          p[i] -= m[i]
        case .adam, .adamw:
          let own = settings.rule == .adam ? slope : g[i]
          if settings.rule == .adamw { p[i] -= rate * decay * p[i] }
          m[i] = 0.9 * m[i] + 0.1 * own
          v[i] = 0.999 * v[i] + 0.001 * own * own
          let mean = m[i] / (1 - pow(0.9, t))
          let square = v[i] / (1 - pow(0.999, t))
          p[i] -= rate * mean / (square.squareRoot() + settings.epsilon)
        }
      }
    }
  }

  @Test(arguments: settings) func rulesAreTheirFormulas(_ settings: OptimizerSettings) throws {
    let seed: UInt64 = 21
    var random = SeededGenerator(seed: seed)
    let shapes = [[7, 5], [11], [2, 3, 3, 3]]
    let starts = shapes.map { Small.normal(.float32, $0, &random) }
    let memory = try ParameterMemory(starts, names: shapes.map { "\($0)" })
    let optimizer = try Optimizer(settings, shapes: shapes)
    var references = zip(starts, shapes).map { start, shape in
      let zeros = [Double](repeating: 0, count: start.count)
      return Reference(
        settings: settings, p: start.doubles, m: zeros, v: zeros, isVector: shape.count == 1)
    }
    for step in 0..<30 {
      let rate = 0.1 / Double(1 + step)
      let gradients = shapes.map { Small.normal(.float32, $0, &random) }
      optimizer.step(memory, GradientBuffers(gradients), rate: rate)
      for i in shapes.indices { references[i].step(gradients[i].doubles, rate: rate) }
    }
    for (i, reference) in references.enumerated() {
      for (found, expected) in zip(memory.tensors[i].doubles, reference.p) {
        #expect(abs(found - expected) < 2e-5 * (1 + abs(expected)), "seed \(seed)")
      }
    }
  }

  @Test func clippingScalesAllTogether() throws {
    var random = SeededGenerator(seed: 3)
    let gradients = [[5, 3], [9]].map { Small.normal(.float32, $0, &random) }
    let norm = gradients.flatMap { $0.doubles }.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let before = gradients.map { $0.doubles }
    let buffers = GradientBuffers(gradients)
    #expect(abs(clip(buffers, to: 100) - norm) < 1e-5)
    #expect(gradients.map { $0.doubles } == before)
    clip(buffers, to: norm / 4)
    for (a, b) in zip(gradients.flatMap { $0.doubles }, before.flatMap { $0 }) {
      #expect(abs(a - b / 4) < 1e-6)
    }
  }

  @Test func settingsOutOfRangeAreErrors() {
    for settings in [
      OptimizerSettings(.sgd, momentum: 1), OptimizerSettings(.adam, nesterov: true),
      OptimizerSettings(.sgd, weightDecay: -1), OptimizerSettings(.adam, epsilon: 0),
    ] {
      #expect(throws: TrainError.self) { try Optimizer(settings, shapes: [[2]]) }
    }
  }

  @Test func schedules() {
    func rates(_ schedule: LearningRateSchedule) -> [Double] {
      (0..<12).map { schedule.rate(step: $0, of: 12, stepsPerEpoch: 3) }
    }
    #expect(rates(LearningRateSchedule(2)) == [Double](repeating: 2, count: 12))
    let steps = rates(LearningRateSchedule(1, .step(milestones: [1, 3], factor: 0.5)))
    #expect(steps == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25])
    let cosine = rates(LearningRateSchedule(1, .cosine(final: 0.1), warmUp: 1))
    #expect(abs(cosine[0] - 1.0 / 3) < 1e-12 && abs(cosine[2] - 1) < 1e-12)
    for step in 3..<12 {
      let expected = 0.1 + 0.9 * (1 + cos(Double.pi * Double(step - 3) / 9)) / 2
      #expect(abs(cosine[step] - expected) < 1e-12)
    }
  }

  @Test func sumsDoNotDependOnLength() throws {
    var random = SeededGenerator(seed: 9)
    for count in [0, 1, 7, 8, 9, 64, 1001] {
      let tensor = Small.normal(.float32, [count], &random)
      let memory = try ParameterMemory([tensor], names: ["x"])
      let expected = tensor.doubles.reduce(0) { $0 + $1 * $1 }
      #expect(abs(VectorLoops.sumOfSquares(memory[0]) - expected) <= 1e-12 * (1 + expected))
    }
  }
}
