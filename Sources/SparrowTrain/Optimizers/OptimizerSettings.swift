/// How gradients change parameters.
public struct OptimizerSettings: Hashable, Sendable {
  public enum Rule: String, CaseIterable, Hashable, Sendable {
    case sgd, adam, adamw, lars
  }

  public var rule: Rule
  /// What stays of the velocity in each step, of SGD and LARS.
  public var momentum: Double
  /// SGD looks ahead along its velocity.
  public var nesterov: Bool
  /// What stays of Adam's mean of gradients.
  public var beta1 = 0.9
  /// What stays of Adam's mean of squared gradients.
  public var beta2 = 0.999
  public var epsilon: Double
  /// The factor of the parameter that is added to its gradient; of AdamW, taken from the parameter
  /// itself, times the learning rate.
  public var weightDecay: Double
  /// Whether tensors of one axis (biases, normalisation) decay too, as in PyTorch.
  public var decaysVectors: Bool
  /// LARS's ratio between a layer's step and its weights' norm.
  public var trust: Double

  public init(
    _ rule: Rule = .sgd, momentum: Double = 0.9, nesterov: Bool = false,
    weightDecay: Double = 0, decaysVectors: Bool = true, epsilon: Double = 1e-8,
    trust: Double = 1e-3
  ) {
    (self.rule, self.momentum, self.nesterov) = (rule, momentum, nesterov)
    (self.weightDecay, self.decaysVectors) = (weightDecay, decaysVectors)
    (self.epsilon, self.trust) = (epsilon, trust)
  }

  /// The rule with its numbers.
  var updateRule: any UpdateRule {
    switch rule {
    case .sgd: SGD(momentum: Float(momentum), nesterov: nesterov)
    case .adam:
      Adam(first: beta1, second: beta2, epsilon: Float(epsilon), isDecoupled: false)
    case .adamw:
      Adam(first: beta1, second: beta2, epsilon: Float(epsilon), isDecoupled: true)
    case .lars: LARS(momentum: Float(momentum), trust: trust, epsilon: epsilon)
    }
  }

  /// Throws where a number is out of its range.
  func check() throws(TrainError) {
    for (name, value) in [("momentum", momentum), ("beta1", beta1), ("beta2", beta2)]
    where !(0..<1).contains(value) {
      throw .setting("\(name) is \(value), expected 0 up to, but not including, 1")
    }
    guard weightDecay >= 0, weightDecay.isFinite else {
      throw .setting("weight decay is \(weightDecay), expected 0 or more")
    }
    guard epsilon > 0, trust > 0 else {
      throw .setting("epsilon is \(epsilon) and trust \(trust), expected numbers above 0")
    }
    guard !nesterov || (rule == .sgd && momentum > 0) else {
      throw .setting("nesterov is for sgd with momentum, found \(rule.rawValue)")
    }
  }
}
