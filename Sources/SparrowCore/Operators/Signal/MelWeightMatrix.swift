/// ONNX MelWeightMatrix: triangular weights that turn a spectrum `[..., dft_length / 2 + 1]` into
/// bands of equal width on the mel scale, `[dft_length / 2 + 1, bands]`. Inputs (scalars): bands, DFT
/// length, sample rate, lowest and highest frequency.
public struct MelWeightMatrix: Operator {
  public var dtype = DType.float32

  public init() {}
  public var name: String { "MelWeightMatrix" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 5...5 }
  public var shapeInputs: [Int] { [0, 1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("output_datatype", &dtype)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    var lengths: [Dimension] = []
    for i in 0...1 {
      _ = try context.type(i)
      guard let given = context.integers(i) else {
        lengths.append(.unknown)
        continue
      }
      guard given.count == 1, given[0] >= 0, given[0] <= TensorType.longestAxis else {
        throw InferenceError("input \(i) is not a scalar of 0 or more")
      }
      lengths.append(.known(i == 0 ? given[0] : given[0] / 2 + 1))
    }
    return [TensorType(dtype, [lengths[1], lengths[0]])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type = try outputTypes(x)[0]
    let (bins, bands) = (type.shape[0], type.shape[1])
    let edges = try edges(x, bands: bands)
    guard edges.allSatisfy({ $0 >= 0 && $0 <= bins }) else {
      throw ComputeError("a band lies outside the spectrum of \(bins) bins")
    }
    var weights = [Double](repeating: 0, count: bins * bands)
    for band in 0..<bands {
      let (low, center, high) = (edges[band], edges[band + 1], edges[band + 2])
      if center == low, center < bins { weights[center * bands + band] = 1 }
      for bin in low..<Swift.max(low, Swift.min(center + 1, bins)) where center > low {
        weights[bin * bands + band] = Double(bin - low) / Double(center - low)
      }
      for bin in center..<Swift.max(center, Swift.min(high, bins)) {
        weights[bin * bands + band] = Double(high - bin) / Double(high - center)
      }
    }
    return [Tensor(type.dtype, type.shape, doubles: weights)]
  }

  /// The bins where the bands begin, peak and end.
  private func edges(_ x: Operands, bands: Int) throws(ComputeError) -> [Int] {
    let (length, rate) = (Double(try x.integer(1)), Double(try x.integer(2)))
    func mel(_ frequency: Double) -> Double { 2595 * Math.log1p(frequency / 700) / Math.log(10) }
    let (low, high) = (mel(try x.double(3)), mel(try x.double(4)))
    let step = (high - low) / Double(bands + 2)
    var edges: [Int] = []
    for i in 0..<bands + 2 {
      let frequency = 700 * Math.expm1((low + Double(i) * step) / 2595 * Math.log(10))
      let bin = ((length + 1) * frequency / rate).rounded(.down)
      guard let whole = Int(exactly: bin) else { throw ComputeError("a band's edge is not finite") }
      edges.append(whole)
    }
    return edges
  }
}
