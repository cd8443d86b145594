/// ONNX STFT: the Fourier transforms of frames of a signal. Inputs: signal `[batch, n, 1 or 2]`, step
/// between frames (scalar), window? (1-D), frame length? (scalar). Output:
/// `[batch, frames, bins, 2]`; one-sided, the bins are the first half of the spectrum.
public struct STFT: Operator {
  public var isOneSided = true

  public init() {}
  public var name: String { "STFT" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...4 }
  public var shapeInputs: [Int] { [1, 3] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("onesided", &isOneSided)
  }

  /// The length of a frame; nil where it is not known.
  private func frameLength(
    _ context: InferenceContext, _ signal: [Dimension]
  ) throws(InferenceError) -> Int? {
    if context.has(2) {
      try ShapeRules.require(rank: try context.dimensions(2), 1...1, "the window")
    }
    let window = context.has(2) ? try context.dimensions(2)?.first : nil
    guard context.has(3) else {
      let length = context.has(2) ? window?.value : signal[1].value
      guard length != 0 else { throw InferenceError("the frame length is 0") }
      return length
    }
    guard let given = context.integers(3) else { return window?.value }
    guard given.count == 1, given[0] >= 1, given[0] <= TensorType.longestAxis else {
      throw InferenceError("the frame length is not a positive scalar")
    }
    if let length = window?.value, length != given[0] {
      throw InferenceError("the window has \(length) elements, the frames \(given[0])")
    }
    return given[0]
  }

  private func frameStep(_ context: InferenceContext) throws(InferenceError) -> Int? {
    guard let given = context.integers(1) else { return nil }
    guard given.count == 1, given[0] >= 1 else {
      throw InferenceError("the step between frames is not a positive scalar")
    }
    return given[0]
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let signal = try context.type(0)
    try ShapeRules.require(rank: signal.dimensions, 3...3, "the signal")
    guard let input = signal.dimensions else {
      return [TensorType(signal.dtype, [.unknown, .unknown, .unknown, .known(2)])]
    }
    if let parts = input[2].value, parts != 1 && parts != 2 {
      throw InferenceError("the signal's last axis has \(parts) elements, expected 1 or 2")
    }
    let length = try frameLength(context, input)
    var frames = Dimension.unknown
    if let length, let step = try frameStep(context), let total = input[1].value {
      frames = .known(total < length ? 0 : (total - length) / step + 1)
    }
    let bins = length.map { Dimension.known(isOneSided ? $0 / 2 + 1 : $0) } ?? .unknown
    return [TensorType(signal.dtype, [input[0], frames, bins, .known(2)])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let signal = try x.tensor(0)
    let type = try outputTypes(x)[0]
    let found: (length: Int?, step: Int?)
    do throws(InferenceError) {
      let input = signal.shape.map { Dimension.known($0) }
      found = (try frameLength(x.context, input), try frameStep(x.context))
    } catch {
      throw ComputeError(error)
    }
    guard let length = found.length, let step = found.step, length <= 1 << 26 else {
      throw ComputeError("the frame length or step is not known or too large")
    }
    let window = x.optional(2)?.doubles
    let (total, parts) = (signal.shape[1], signal.shape[2])
    let (frames, bins) = (type.shape[1], type.shape[2])
    let fourier = Fourier(length)
    let values = signal.doubles
    var results: [Double] = []
    for batch in 0..<signal.shape[0] {
      for frame in 0..<frames {
        var part = Fourier.Signal(zeros: length)
        for i in 0..<length {
          let place = (batch * total + frame * step + i) * parts
          let factor = window?[i] ?? 1
          part.real[i] = values[place] * factor
          if parts == 2 { part.imaginary[i] = values[place + 1] * factor }
        }
        fourier.transform(&part)
        for i in 0..<bins { results += [part.real[i], part.imaginary[i]] }
      }
    }
    return [Tensor(type.dtype, type.shape, doubles: results)]
  }
}
