import SparrowCore

/// An update rule at work on parameters, with what it remembers of each.
public final class Optimizer {
  public let settings: OptimizerSettings
  /// Steps made.
  public private(set) var stepCount = 0
  /// What the rule remembers: for each slot, memory of the parameters' shapes.
  public let slots: [ParameterMemory]
  private let rule: any UpdateRule
  private let isVector: [Bool]

  /// Throws where settings are out of range.
  public init(_ settings: OptimizerSettings, shapes: [[Int]]) throws(TrainError) {
    try settings.check()
    self.settings = settings
    let rule = settings.updateRule
    self.rule = rule
    slots = (0..<rule.slotCount).map { _ in ParameterMemory(zerosOf: shapes) }
    isVector = shapes.map { $0.count <= 1 }
  }

  /// One step of all parameters, in place; gradients stay as they are.
  public func step(_ parameters: ParameterMemory, _ gradients: GradientBuffers, rate: Double) {
    stepCount += 1
    for i in 0..<parameters.count { update(i, parameters[i], gradients[i], rate) }
  }

  private func update(
    _ i: Int, _ parameter: UnsafeMutableBufferPointer<Float>,
    _ gradient: UnsafeMutableBufferPointer<Float>, _ rate: Double
  ) {
    guard let p = parameter.baseAddress, let g = gradient.baseAddress else { return }
    let decays = settings.decaysVectors || !isVector[i]
    rule.update(
      ParameterUpdate(
        count: parameter.count, parameter: p, gradient: g,
        slots: slots.compactMap { $0[i].baseAddress }, rate: Float(rate),
        decay: decays ? Float(settings.weightDecay) : 0, step: stepCount, isVector: isVector[i]))
  }

  /// Forgets all of every parameter, as before the first step.
  public func reset() {
    stepCount = 0
    for slot in slots {
      for i in 0..<slot.count { slot[i].update(repeating: 0) }
    }
  }

  /// Forgets what the mask drops of a parameter.
  public func forget(_ i: Int, outside mask: MaskWords) {
    for slot in slots { mask.apply(to: slot[i]) }
  }

  /// Goes on after `steps` steps, from slots that were restored.
  func resume(after steps: Int) { stepCount = steps }
}

/// Scales all gradients so that together, as one vector, they are no longer than `limit`. (Pascanu et
/// al., arXiv 1211.5063, algorithm 1.) Returns how long they were.
@discardableResult
func clip(_ gradients: GradientBuffers, to limit: Double) -> Double {
  var sum = 0.0
  for i in 0..<gradients.count { sum += VectorLoops.sumOfSquares(gradients[i]) }
  let norm = sum.squareRoot()
  guard norm > limit, norm.isFinite else { return norm }
  for i in 0..<gradients.count { VectorLoops.scale(gradients[i], by: Float(limit / norm)) }
  return norm
}
