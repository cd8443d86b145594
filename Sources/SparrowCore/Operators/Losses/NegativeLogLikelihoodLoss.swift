/// How a loss combines its elements; ONNX's `reduction`.
public enum LossReduction: AttributeChoice {
  case mean, sum, none

  public var name: String {
    switch self {
    case .mean: "mean"
    case .sum: "sum"
    case .none: "none"
    }
  }
}

/// ONNX NegativeLogLikelihoodLoss. Inputs: logarithms of probabilities `[N, C, ...]`, target classes
/// `[N, ...]`, weights? `[C]`. The mean is weighted; targets of the ignored class count nothing.
public struct NegativeLogLikelihoodLoss: Operator {
  public var reduction = LossReduction.mean
  public var ignoredClass: Int?

  public init() {}
  public var name: String { "NegativeLogLikelihoodLoss" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("reduction", &reduction)
    try visitor.visit("ignore_index", &ignoredClass)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    [try ClassLoss(reduction, ignoredClass).inferType(context)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try outputTypes(x)
    return [try ClassLoss(reduction, ignoredClass).loss(of: try x.doubles(0), x)]
  }
}

/// What the losses of class probabilities have in common.
struct ClassLoss {
  let reduction: LossReduction
  let ignoredClass: Int?

  init(_ reduction: LossReduction, _ ignoredClass: Int?) {
    (self.reduction, self.ignoredClass) = (reduction, ignoredClass)
  }

  func inferType(_ context: InferenceContext) throws(InferenceError) -> TensorType {
    let (scores, target) = (try context.type(0), try context.type(1))
    try ShapeRules.require(rank: scores.dimensions, 2...Int.max, "input 0")
    guard let input = scores.dimensions, let classes = target.dimensions else {
      return TensorType(scores.dtype, reduction == .none ? target.dimensions : [])
    }
    guard classes.count == input.count - 1 else {
      throw InferenceError(
        "the targets have rank \(classes.count), expected \(input.count - 1): one a position")
    }
    var output: [Dimension] = []
    for (i, axis) in ([0] + Array(2..<input.count)).enumerated() {
      output.append(try ShapeRules.unify(input[axis], classes[i], what: "axis \(axis)"))
    }
    if context.has(2), let weights = try context.dimensions(2) {
      try ShapeRules.require(rank: weights, 1...1, "the weights")
      _ = try ShapeRules.unify(input[1], weights[0], what: "classes and weights")
    }
    return TensorType(scores.dtype, reduction == .none ? output : [])
  }

  /// The loss for the logarithms of the probabilities of the first operand's classes.
  func loss(of logarithms: [Double], _ x: Operands) throws(ComputeError) -> Tensor {
    let shape = try x.shape(0)
    let targets = try x.integers(1)
    let weights = x.optional(2)?.doubles
    let (samples, classes) = (shape[0], shape[1])
    let plane = shape[2...].reduce(1, *)
    var (losses, total): ([Double], Double) = ([], 0)
    for i in 0..<samples * plane {
      let target = targets[i]
      if target == ignoredClass {
        losses.append(0)
        continue
      }
      guard target >= 0, target < classes else {
        throw ComputeError("target \(target) is outside the \(classes) classes")
      }
      let weight = weights?[target] ?? 1
      losses.append(-weight * logarithms[(i / plane * classes + target) * plane + i % plane])
      total += weight
    }
    let dtype = try x.dtype(0)
    switch reduction {
    case .none: return Tensor(dtype, try x.shape(1), doubles: losses)
    case .sum: return Tensor(dtype, [], doubles: [losses.reduce(0, +)])
    case .mean: return Tensor(dtype, [], doubles: [losses.reduce(0, +) / total])
    }
  }
}
