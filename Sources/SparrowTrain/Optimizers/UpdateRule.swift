/// One parameter in one step.
struct ParameterUpdate {
  var count: Int
  var parameter: UnsafeMutablePointer<Float>
  var gradient: UnsafeMutablePointer<Float>
  /// What the rule remembers, ``UpdateRule/slotCount`` vectors.
  var slots: [UnsafeMutablePointer<Float>]
  var rate: Float
  var decay: Float
  /// From 1.
  var step: Int
  /// Whether it has one axis at most: a bias, or of normalisation.
  var isVector: Bool
}

/// A way of changing a parameter by its gradient, element by element.
protocol UpdateRule: Sendable {
  /// How many numbers it remembers of each element, zeros before the first step.
  var slotCount: Int { get }
  func update(_ u: ParameterUpdate)
}

/// Stochastic gradient descent with momentum as PyTorch has it: `g += decay p`, `v = momentum v + g`,
/// `p -= rate v`, or `p -= rate (g + momentum v)` with Nesterov's look-ahead.
struct SGD: UpdateRule {
  var momentum: Float
  var nesterov: Bool

  var slotCount: Int { momentum == 0 ? 0 : 1 }

  func update(_ u: ParameterUpdate) {
    let (p, g, rate, decay) = (u.parameter, u.gradient, u.rate, u.decay)
    guard momentum != 0, let v = u.slots.first else {
      for i in 0..<u.count { p[i] -= rate * (g[i] + decay * p[i]) }
      return
    }
    let momentum = momentum
    if nesterov {
      for i in 0..<u.count {
        let slope = g[i] + decay * p[i]
        v[i] = momentum * v[i] + slope
        p[i] -= rate * (slope + momentum * v[i])
      }
    } else {
      for i in 0..<u.count {
        v[i] = momentum * v[i] + (g[i] + decay * p[i])
        p[i] -= rate * v[i]
      }
    }
  }
}

/// Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), the decay added to the gradient; or AdamW, the
/// decay apart from it: `p -= rate decay p` (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2).
struct Adam: UpdateRule {
  var first: Double
  var second: Double
  var epsilon: Float
  var isDecoupled: Bool

  var slotCount: Int { 2 }

  func update(_ u: ParameterUpdate) {
    let (p, g, m, v) = (u.parameter, u.gradient, u.slots[0], u.slots[1])
    let (kept, keptSquare) = (Float(first), Float(second))
    let (new, newSquare) = (Float(1 - first), Float(1 - second))
    // Both means start at 0; these make up for it.
    let scale = Float(1 / (1 - power(first, u.step)))
    let squareScale = Float(1 / (1 - power(second, u.step)).squareRoot())
    let step = u.rate * scale
    let shrink = isDecoupled ? 1 - u.rate * u.decay : 1
    let decay = isDecoupled ? 0 : u.decay
    let epsilon = epsilon
    for i in 0..<u.count {
      let slope = g[i] + decay * p[i]
      m[i] = kept * m[i] + new * slope
      v[i] = keptSquare * v[i] + newSquare * slope * slope
      p[i] = shrink * p[i] - step * m[i] / (v[i].squareRoot() * squareScale + epsilon)
    }
  }

  /// By squaring: the same on every machine.
  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, left) = (1.0, base, exponent)
    while left > 0 {
      if left & 1 == 1 { result *= square }
      square *= square
      left >>= 1
    }
    return result
  }
}

/// Layer-wise adaptive rates: each layer's rate is multiplied by
/// `trust ||p|| / (||g|| + decay ||p|| + epsilon)`; `v = momentum v + rate (g + decay p)`, `p -= v`.
/// Vectors take the plain rate. (You, Gitman and Ginsburg, arXiv 1708.03888, algorithm 1.)
struct LARS: UpdateRule {
  var momentum: Float
  var trust: Double
  var epsilon: Double

  var slotCount: Int { 1 }

  func update(_ u: ParameterUpdate) {
    let (p, g, v, decay, momentum) = (u.parameter, u.gradient, u.slots[0], u.decay, momentum)
    var rate = u.rate
    if !u.isVector {
      let weight = VectorLoops.sumOfSquares(.init(start: p, count: u.count)).squareRoot()
      let slope = VectorLoops.sumOfSquares(.init(start: g, count: u.count)).squareRoot()
      if weight > 0, slope > 0 {
        rate *= Float(trust * weight / (slope + Double(decay) * weight + epsilon))
      }
    }
    for i in 0..<u.count {
      v[i] = momentum * v[i] + rate * (g[i] + decay * p[i])
      p[i] -= v[i]
    }
  }
}
