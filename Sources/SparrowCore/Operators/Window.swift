/// The sliding window that convolutions and poolings share: one entry a spatial axis.
public struct Window: Hashable, Sendable {
  /// ONNX `auto_pad`.
  public enum AutoPad: AttributeChoice {
    case notSet, sameUpper, sameLower, valid
    public var name: String {
      switch self {
      case .notSet: "NOTSET"
      case .sameUpper: "SAME_UPPER"
      case .sameLower: "SAME_LOWER"
      case .valid: "VALID"
      }
    }
  }

  /// nil: taken from the weight (convolutions only).
  public var kernel: [Int]?
  public var strides: [Int]?
  /// Begins of all axes, then ends.
  public var pads: [Int]?
  public var dilations: [Int]?
  public var autoPad = AutoPad.notSet

  public init(
    kernel: [Int]? = nil, strides: [Int]? = nil, pads: [Int]? = nil, dilations: [Int]? = nil
  ) {
    (self.kernel, self.strides, self.pads, self.dilations) = (kernel, strides, pads, dilations)
  }

  mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("kernel_shape", &kernel)
    try visitor.visit("strides", &strides)
    try visitor.visit("pads", &pads)
    try visitor.visit("dilations", &dilations)
    try visitor.visit("auto_pad", &autoPad)
  }

  /// A window with every default filled in for concrete input lengths.
  public struct Resolved: Hashable, Sendable {
    public var kernel: [Int]
    public var strides: [Int]
    public var padsBegin: [Int]
    public var padsEnd: [Int]
    public var dilations: [Int]
  }

  /// Fills in defaults and `auto_pad` for spatial lengths `input`; an unknown length is fine unless
  /// `auto_pad` needs it (then its pads are 0 and the output length stays unknown).
  public func resolved(
    kernel given: [Int]?, input: [Dimension]
  ) throws(InferenceError) -> Resolved {
    let rank = input.count
    guard let kernel = self.kernel ?? given else {
      throw InferenceError("kernel_shape is not given and the weight's shape is not known")
    }
    if let given, kernel != given {
      throw InferenceError("kernel_shape \(list(kernel)) differs from the weight's \(list(given))")
    }
    let strides = self.strides ?? [Int](repeating: 1, count: rank)
    let dilations = self.dilations ?? [Int](repeating: 1, count: rank)
    let pads = self.pads ?? [Int](repeating: 0, count: 2 * rank)
    guard kernel.count == rank, strides.count == rank, dilations.count == rank,
      pads.count == 2 * rank
    else {
      throw InferenceError(
        "kernel_shape, strides, dilations and pads must have \(rank) (pads \(2 * rank)) entries")
    }
    let limit = 1 << 24  // keeps every product below far from overflow
    for value in kernel + strides + dilations where value < 1 || value > limit {
      throw InferenceError("kernel_shape, strides and dilations must be from 1 to \(limit)")
    }
    for value in pads where value < -limit || value > limit {
      throw InferenceError("pads must be from -\(limit) to \(limit)")
    }
    var result = Resolved(
      kernel: kernel, strides: strides, padsBegin: Array(pads[..<rank]),
      padsEnd: Array(pads[rank...]), dilations: dilations)
    switch autoPad {
    case .notSet: break
    case .valid:
      result.padsBegin = [Int](repeating: 0, count: rank)
      result.padsEnd = result.padsBegin
    case .sameUpper, .sameLower:
      for i in 0..<rank {
        guard let length = input[i].value else { continue }
        let out = (length + strides[i] - 1) / strides[i]
        let span = (kernel[i] - 1) * dilations[i] + 1
        let total = max(0, (out - 1) * strides[i] + span - length)
        let small = total / 2
        result.padsBegin[i] = autoPad == .sameUpper ? small : total - small
        result.padsEnd[i] = total - result.padsBegin[i]
      }
    }
    return result
  }

  /// The output length of each spatial axis.
  public func outputDimensions(
    kernel given: [Int]?, input: [Dimension], ceilMode: Bool = false
  ) throws(InferenceError) -> [Dimension] {
    let window = try resolved(kernel: given, input: input)
    var output: [Dimension] = []
    for i in input.indices {
      guard let length = input[i].value else {
        output.append(keepsLength(window, i) ? input[i] : .unknown)
        continue
      }
      let span = (window.kernel[i] - 1) * window.dilations[i] + 1
      let padded = length + window.padsBegin[i] + window.padsEnd[i]
      guard padded >= span else {
        throw InferenceError("a window of \(span) does not fit a padded length of \(padded)")
      }
      let steps = padded - span
      var count = steps / window.strides[i] + 1
      if ceilMode, steps % window.strides[i] != 0 {
        // A last window may start inside the input or its leading padding, not beyond.
        if count * window.strides[i] < length + window.padsBegin[i] { count += 1 }
      }
      output.append(.known(count))
    }
    return output
  }

  private func keepsLength(_ window: Resolved, _ i: Int) -> Bool {
    guard window.strides[i] == 1 else { return false }
    if autoPad == .sameUpper || autoPad == .sameLower { return true }
    let span = (window.kernel[i] - 1) * window.dilations[i]
    return window.padsBegin[i] + window.padsEnd[i] == span
  }

  private func list(_ values: [Int]) -> String {
    "[" + values.map { "\($0)" }.joined(separator: ",") + "]"
  }
}
