import SparrowCore

/// Sets an operator's attributes from those of its node, by key, and notes which it has taken.
struct ONNXAttributeReader: AttributeVisitor {
  let form: NodeForm
  private(set) var taken = Set<String>()

  init(_ form: NodeForm) { self.form = form }

  /// The attribute of that key, of one of the kinds expected; nil where it is absent.
  private mutating func take(
    _ key: StaticString, _ kind: AttributeMessage.Kind
  ) throws(FormatError) -> AttributeMessage? {
    let name = key.description
    taken.insert(name)
    guard let attribute = form.attributes[name] else { return nil }
    try form.require(attribute, kind)
    return attribute
  }

  mutating func visit(_ key: StaticString, _ value: inout Int) throws(FormatError) {
    if let attribute = try take(key, .int) { value = Int(attribute.int) }
  }

  mutating func visit(_ key: StaticString, _ value: inout Float) throws(FormatError) {
    if let attribute = try take(key, .float) { value = attribute.float }
  }

  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(FormatError) {
    guard let attribute = try take(key, .int) else { return }
    guard attribute.int == 0 || attribute.int == 1 else {
      throw form.malformed("attribute '\(key)' is \(attribute.int), expected 0 or 1", attribute)
    }
    value = attribute.int == 1
  }

  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(FormatError) {
    if let attribute = try take(key, .ints) { value = attribute.ints.map { Int($0) } }
  }

  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(FormatError) {
    if let attribute = try take(key, .ints) { value = attribute.ints.map { Int($0) } }
  }

  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(FormatError) {
    if let attribute = try take(key, .int) { value = Int(attribute.int) }
  }

  mutating func visit(_ key: StaticString, _ value: inout DType) throws(FormatError) {
    guard let attribute = try take(key, .int) else { return }
    guard let code = Int32(exactly: attribute.int), let dtype = DType(onnx: code) else {
      let name = DType.onnxName(Int32(truncatingIfNeeded: attribute.int))
      throw form.unsupported("attribute '\(key)' asks for \(name) elements: not supported")
    }
    value = dtype
  }

  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(FormatError) {
    guard let attribute = try take(key, .tensor), let message = attribute.tensor else { return }
    var decoder = TensorDecoder(source: form.source, external: ExternalData(folder: nil))
    let tensor = try decoder.tensor(message)
    guard tensor.count == 1, let bytes = tensor.denseBytes else {
      throw form.malformed("attribute '\(key)' has \(tensor.count) elements, expected 1", attribute)
    }
    var bits: UInt64 = 0
    for byte in bytes.array(of: UInt8.self).reversed() { bits = bits << 8 | UInt64(byte) }
    value = Scalar(dtype: tensor.dtype, bits: bits)
  }

  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(FormatError) {
    guard let attribute = try take(key, .tensor), let message = attribute.tensor else { return }
    var decoder = TensorDecoder(source: form.source, external: ExternalData(folder: nil))
    value = NumberList(try decoder.tensor(message))
  }

  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(FormatError) {
    if let attribute = try take(key, .float) { value = attribute.float }
  }

  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(FormatError) {
    if let attribute = try take(key, .floats) { value = attribute.floats }
  }

  mutating func visit(_ key: StaticString, _ value: inout String) throws(FormatError) {
    if let attribute = try take(key, .string) { value = attribute.string }
  }

  mutating func visit<C: AttributeChoice>(
    _ key: StaticString, _ value: inout C
  ) throws(FormatError) {
    guard let attribute = try take(key, .string) else { return }
    value = try choice(key, attribute.string)
  }

  mutating func visit<C: AttributeChoice>(
    _ key: StaticString, _ value: inout [C]
  ) throws(FormatError) {
    guard let attribute = try take(key, .strings) else { return }
    var list: [C] = []
    for name in attribute.strings { list.append(try choice(key, name)) }
    value = list
  }

  /// Files differ in the case of some choices (`Tanh`, `tanh`), as the specification allows.
  private func choice<C: AttributeChoice>(
    _ key: StaticString, _ name: String
  ) throws(FormatError) -> C {
    for choice in C.allCases where choice.name == name { return choice }
    for choice in C.allCases where choice.name.lowercased() == name.lowercased() { return choice }
    let known = C.allCases.map { $0.name }.joined(separator: ", ")
    throw form.unsupported("attribute '\(key)' is '\(name)', expected one of: \(known)")
  }

  /// A fused activation is Sparrow's own: no attribute says it.
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(FormatError) {}

  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(FormatError) {}

  /// Throws when the node has an attribute that was not taken and may change what it computes.
  func checkRest() throws(FormatError) {
    for attribute in form.message.attributes {
      let name = attribute.name
      guard form.attributes[name] != nil, !taken.contains(name) else { continue }
      guard !IgnoredAttributes.allows(attribute, of: form.opType) else { continue }
      throw form.unsupported("attribute '\(name)' is not supported here")
    }
  }
}
