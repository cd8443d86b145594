import SparrowCore

/// An attribute's value as stored.
private enum StoredValue {
  case absent
  case integer(Int)
  case float(Float)
  case flag(Bool)
  case integers([Int])
  case dtype(DType)
  case scalar(Scalar)
  case choice(String)
  case activation(Activation)
  case floats([Float])
  case string(String)
  case choices([String])
  case subgraph(Subgraph)
  case numbers(NumberList)
}

/// Gives an operator the stored values of its attributes. One that is not stored keeps its default;
/// one that the operator does not have is an error, for ignoring it would change the result.
struct AttributeReader: AttributeVisitor {
  typealias Failure = ReadError

  /// For messages.
  private let op: String
  private let position: Int
  private var stored: [(key: String, value: StoredValue, isUsed: Bool)] = []

  init(op: String, position: Int) { (self.op, self.position) = (op, position) }

  mutating func append(from decoder: inout GraphDecoder) throws(ReadError) {
    let at = decoder.cursor.position
    let key = try decoder.string("attribute key")
    guard !stored.contains(where: { $0.key == key }) else {
      throw .malformed(offset: at, reason: "attribute '\(key)' of \(op) is given twice")
    }
    stored.append((key, try Self.value(&decoder), false))
  }

  /// Throws when an attribute was stored that the operator does not have.
  func finish() throws(ReadError) {
    for attribute in stored where !attribute.isUsed {
      throw .malformed(
        offset: position, reason: "\(op) has no attribute '\(attribute.key)'")
    }
  }

  private static func value(_ decoder: inout GraphDecoder) throws(ReadError) -> StoredValue {
    let at = decoder.cursor.position
    let code: UInt8 = try decoder.cursor.integer("attribute kind")
    switch AttributeCode(rawValue: code) {
    case .absent: return .absent
    case .integer: return .integer(try integer(&decoder))
    case .float: return .float(try float(&decoder))
    case .flag:
      let flag: UInt8 = try decoder.cursor.integer("flag")
      guard flag <= 1 else { throw .malformed(offset: at, reason: "a flag is \(flag)") }
      return .flag(flag == 1)
    case .integers:
      var list: [Int] = []
      for _ in 0..<(try decoder.count("integers", minimum: 8)) {
        list.append(try integer(&decoder))
      }
      return .integers(list)
    case .dtype: return .dtype(try decoder.dtype())
    case .scalar:
      let dtype = try decoder.dtype()
      let bits: UInt64 = try decoder.cursor.integer("scalar")
      guard dtype.size == 8 || bits >> UInt64(dtype.size * 8) == 0 else {
        throw .malformed(offset: at, reason: "a scalar does not fit its element type")
      }
      return .scalar(Scalar(dtype: dtype, bits: bits))
    case .choice: return .choice(try decoder.string("choice"))
    case .activation:
      let name = try decoder.string("activation name")
      let parameters = (try float(&decoder), try float(&decoder))
      guard let activation = Activation(name: name, parameters: parameters) else {
        throw .malformed(offset: at, reason: "activation '\(name)' does not exist")
      }
      return .activation(activation)
    case .floats:
      var list: [Float] = []
      for _ in 0..<(try decoder.count("floats", minimum: 4)) { list.append(try float(&decoder)) }
      return .floats(list)
    case .string: return .string(try decoder.string("string"))
    case .choices:
      var list: [String] = []
      for _ in 0..<(try decoder.count("choices", minimum: 4)) {
        list.append(try decoder.string("choice"))
      }
      return .choices(list)
    case .subgraph: return .subgraph(try decoder.subgraph())
    case .numbers:
      let dtype = try decoder.dtype()
      var list: [Double] = []
      for _ in 0..<(try decoder.count("numbers", minimum: 8)) {
        let bits: UInt64 = try decoder.cursor.integer("number")
        list.append(Double(bitPattern: bits))
      }
      return .numbers(NumberList(dtype, list))
    case nil: throw .malformed(offset: at, reason: "attribute kind \(code) does not exist")
    }
  }

  private static func integer(_ decoder: inout GraphDecoder) throws(ReadError) -> Int {
    let at = decoder.cursor.position
    let value: Int64 = try decoder.cursor.integer("integer")
    guard let integer = Int(exactly: value) else {
      throw .malformed(offset: at, reason: "integer \(value) is out of range")
    }
    return integer
  }

  private static func float(_ decoder: inout GraphDecoder) throws(ReadError) -> Float {
    let bits: UInt32 = try decoder.cursor.integer("float")
    return Float(bitPattern: bits)
  }
}

extension AttributeReader {
  /// The stored value of `key`; nil when there is none.
  private mutating func take(_ key: StaticString) -> StoredValue? {
    let name = key.description
    guard let i = stored.firstIndex(where: { $0.key == name }) else { return nil }
    stored[i].isUsed = true
    return stored[i].value
  }

  private func wrongKind(_ key: StaticString) -> ReadError {
    .malformed(
      offset: position,
      reason: "attribute '\(key.description)' of \(op) has a value of the wrong kind")
  }

  mutating func visit(_ key: StaticString, _ value: inout Int) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .integer(let integer) = stored else { throw wrongKind(key) }
    value = integer
  }

  mutating func visit(_ key: StaticString, _ value: inout Float) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .float(let float) = stored else { throw wrongKind(key) }
    value = float
  }

  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .flag(let flag) = stored else { throw wrongKind(key) }
    value = flag
  }

  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .integers(let list) = stored else { throw wrongKind(key) }
    value = list
  }

  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(ReadError) {
    switch take(key) {
    case nil: break
    case .absent: value = nil
    case .integers(let list): value = list
    default: throw wrongKind(key)
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(ReadError) {
    switch take(key) {
    case nil: break
    case .absent: value = nil
    case .integer(let integer): value = integer
    default: throw wrongKind(key)
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout DType) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .dtype(let dtype) = stored else { throw wrongKind(key) }
    value = dtype
  }

  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .scalar(let scalar) = stored else { throw wrongKind(key) }
    value = scalar
  }

  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(ReadError) {
    switch take(key) {
    case nil: break
    case .absent: value = nil
    case .numbers(let list): value = list
    default: throw wrongKind(key)
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(ReadError) {
    switch take(key) {
    case nil: break
    case .absent: value = nil
    case .float(let float): value = float
    default: throw wrongKind(key)
    }
  }

  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .floats(let list) = stored else { throw wrongKind(key) }
    value = list
  }

  mutating func visit(_ key: StaticString, _ value: inout String) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .string(let string) = stored else { throw wrongKind(key) }
    value = string
  }

  mutating func visit<C: AttributeChoice>(
    _ key: StaticString, _ value: inout C
  ) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .choice(let name) = stored else { throw wrongKind(key) }
    value = try choice(key, name)
  }

  mutating func visit<C: AttributeChoice>(
    _ key: StaticString, _ value: inout [C]
  ) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .choices(let names) = stored else { throw wrongKind(key) }
    var list: [C] = []
    for name in names { list.append(try choice(key, name)) }
    value = list
  }

  private func choice<C: AttributeChoice>(
    _ key: StaticString, _ name: String
  ) throws(ReadError) -> C {
    for choice in C.allCases where choice.name == name { return choice }
    throw .malformed(
      offset: position,
      reason: "attribute '\(key.description)' of \(op) cannot be '\(name)'")
  }

  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .activation(let activation) = stored else { throw wrongKind(key) }
    value = activation
  }

  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(ReadError) {
    guard let stored = take(key) else { return }
    guard case .subgraph(let subgraph) = stored else { throw wrongKind(key) }
    value = subgraph
  }
}
