import SparrowCore

/// The values that training of gates adds to a graph.
struct GatingValues {
  /// New inputs, logistic noise, one a gate, of the logits' shape.
  var noise: [ValueID]
  /// The new input p, a scalar.
  var tightness: ValueID
  /// F / F_dense of the batch.
  var share: ValueID
  /// What the loss has more.
  var penalty: ValueID
}

extension Graph {
  /// Makes of gates, of which there is one or more, what is trained of them.
  ///
  /// Pattern: where(logits >= 0, hidden, 0) -> hidden * open, where open is 0 or 1 with the slope of
  /// the noisy sigmoid
  mutating func trainGates(_ settings: GatingSettings) throws(TrainError) -> GatingValues {
    let gates = channelGates()
    guard let first = gates.first, let type = self[first.logits].type else {
      throw .setting(
        "there is nothing to gate: the network has no channel gates, where(logits >= 0, hidden, 0); "
          + "leave gating out, or train a network that has them (sparrow new --list)")
    }
    let shares = costShares(of: gates)
    var (noise, densities): ([ValueID], [ValueID]) = ([], [])
    for gate in gates {
      let input = addInput(unusedName("gate_noise"), self[gate.logits].type ?? type)
      let open = try addOpening(gate, noise: input, temperature: settings.temperature)
      nodes[gate.node].op = .binary(Binary(.mul))
      nodes[gate.node].inputs = [gate.hidden, open]
      noise.append(input)
      densities.append(try addMean(open, "gate_density"))
    }
    let tightness = addInput(unusedName("gate_tightness"), TensorType(type.dtype, shape: []))
    let share = try addShare(densities, shares)
    let gap = try addNode(
      .binary(Binary(.sub)), [share, addScalar(settings.target, like: share)], "share_gap")
    let square = try addNode(.binary(Binary(.mul)), [gap, gap], "squared_gap")
    let bounds = try addBounds(densities, tightness, settings.target.squareRoot())
    let penalty = try addMixture(square, settings.weight, bounds, settings.bounds)
    do throws(GraphError) {
      try sortNodes()
    } catch {
      throw .network(error.message)
    }
    return GatingValues(noise: noise, tightness: tightness, share: share, penalty: penalty)
  }

  /// 1 where the noisy logit is 0 or more, else 0, with the sigmoid's slope.
  private mutating func addOpening(
    _ gate: ChannelGate, noise: ValueID, temperature: Double
  ) throws(TrainError) -> ValueID {
    let noisy = try addNode(.binary(Binary(.add)), [gate.logits, noise], "noisy_logits")
    let scaled = try addScaled(noisy, by: 1 / temperature)
    let soft = try addNode(.unary(Unary(.sigmoid)), [scaled], "soft_gate")
    let isOpen = try addNode(
      .binary(Binary(.greaterOrEqual)), [noisy, addScalar(0, like: noisy)], "hard_gate")
    let dtype = self[noisy].type?.dtype ?? .float32
    let hard = try addNode(.cast(Cast(to: dtype)), [isOpen], "hard_gate_value")
    // The same number again, through a type that no gradient goes through: soft - held is exactly 0.
    let bits = try addNode(
      .bitCast(BitCast(to: dtype == .float64 ? .int64 : .int32)), [soft], "soft_gate_bits")
    let held = try addNode(.bitCast(BitCast(to: dtype)), [bits], "soft_gate_held")
    let slope = try addNode(.binary(Binary(.sub)), [soft, held], "gate_slope")
    return try addNode(.binary(Binary(.add)), [hard, slope], "gate")
  }

  /// 1 - sum_l shares_l (1 - d_l).
  private mutating func addShare(
    _ densities: [ValueID], _ shares: [Double]
  ) throws(TrainError) -> ValueID {
    var sum = addScalar(1 - shares.reduce(0, +), like: densities[0])
    for (density, share) in zip(densities, shares) {
      let part = try addScaled(density, by: share)
      sum = try addNode(.binary(Binary(.add)), [sum, part], "cost_share")
    }
    return sum
  }

  private mutating func addBounds(
    _ densities: [ValueID], _ p: ValueID, _ root: Double
  ) throws(TrainError) -> ValueID {
    let one = addScalar(1, like: p)
    let low = try addScaled(p, by: root)
    // 1 - p + p sqrt(t)
    let high = try addNode(
      .binary(Binary(.sub)), [one, try addScaled(p, by: 1 - root)], "highest_density")
    var terms: [ValueID] = []
    for density in densities {
      for (above, below) in [(low, density), (density, high)] {
        let over = try addNode(.binary(Binary(.sub)), [above, below], "bound_gap")
        let excess = try addNode(.unary(Unary(.relu)), [over], "bound_excess")
        terms.append(try addNode(.binary(Binary(.mul)), [excess, excess], "bound_term"))
      }
    }
    var sum = terms[0]
    for term in terms.dropFirst() {
      sum = try addNode(.binary(Binary(.add)), [sum, term], "bound_sum")
    }
    return try addScaled(sum, by: 1 / Double(densities.count))
  }
}
