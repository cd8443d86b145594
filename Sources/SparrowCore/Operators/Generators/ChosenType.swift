/// ONNX's optional `dtype` attribute, which stands for the input's element type where it is absent.
public struct ChosenType: Hashable, Sendable {
  /// The number that ONNX gives the type.
  var code: Int?

  public init(_ dtype: DType? = nil) { code = dtype.map { Int($0.rawValue) } }

  mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("dtype", &code)
  }

  func type(or input: DType) throws(InferenceError) -> DType {
    guard let code else { return input }
    guard let raw = UInt8(exactly: code), let dtype = DType(rawValue: raw) else {
      throw InferenceError("dtype \(code) is not supported")
    }
    return dtype
  }
}
