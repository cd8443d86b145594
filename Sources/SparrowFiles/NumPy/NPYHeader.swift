import SparrowCore

/// The header of a npy file (NumPy Enhancement Proposal 1): what the array is.
struct NPYHeader {
  var dtype: DType
  var isBigEndian: Bool
  /// Whether the first axis varies fastest.
  var isColumnMajor: Bool
  var shape: [Int]
  /// Bytes before the first element.
  var size: Int

  /// Bytes of all elements. Checked when the header was parsed.
  var elementBytes: Int { shape.elementCount * dtype.size }

  static var magic: [UInt8] { [0x93] + Array("NUMPY".utf8) }
  static var largestText: Int { 1 << 20 }
  static var largestRank: Int { 64 }

  /// Parses the header at the start of `bytes`, which may be no more than the file's first part.
  init(_ bytes: Bytes, origin: Int) throws(ReadError) {
    var cursor = ByteCursor(bytes, origin: origin)
    let magic = try cursor.take(Self.magic.count, "the npy magic string")
    guard magic.array(of: UInt8.self) == Self.magic else {
      throw .malformed(offset: origin, reason: "this is not a npy array")
    }
    let major: UInt8 = try cursor.integer("npy version")
    let minor: UInt8 = try cursor.integer("npy version")
    guard (1...3).contains(major), minor == 0 else {
      throw .malformed(
        offset: origin, reason: "npy version \(major).\(minor) is unknown, expected 1.0 to 3.0")
    }
    let at = cursor.position
    let length: Int
    if major == 1 {
      length = Int(try cursor.integer("header length", as: UInt16.self))
    } else {
      length = Int(try cursor.integer("header length", as: UInt32.self))
    }
    guard length <= Self.largestText else {
      throw .overLimit(
        offset: at, what: "the npy header's length", found: UInt64(length),
        limit: UInt64(Self.largestText))
    }
    let textStart = cursor.position
    let text = try cursor.take(length, "the npy header").array(of: UInt8.self)
    var literal = PythonLiteral(text, origin: textStart)
    let fields = try literal.header()
    (dtype, isBigEndian) = try Self.elementType(fields.descr, at: textStart)
    (isColumnMajor, shape, size) = (fields.isFortranOrder, fields.shape, cursor.offset)
    guard shape.count <= Self.largestRank, let count = shape.checkedElementCount,
      !count.multipliedReportingOverflow(by: 64).overflow
    else {
      throw .malformed(offset: textStart, reason: "the array's shape \(shape) is too large")
    }
  }

  private static func elementType(
    _ descr: String, at offset: Int
  ) throws(ReadError) -> (DType, isBigEndian: Bool) {
    let order = descr.first
    let isBigEndian = order == ">"
    guard let order, "<>|=".contains(order) else {
      throw .malformed(offset: offset, reason: "the element type '\(descr)' has no byte order")
    }
    let codes: [String: DType] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32,
      "i8": .int64, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
      "V2": .bfloat16,
    ]
    guard let dtype = codes[String(descr.dropFirst())] else {
      throw .malformed(
        offset: offset,
        reason: "arrays of the element type '\(descr)' are not supported, expected a number or bool"
      )
    }
    return (dtype, isBigEndian)
  }

  /// The header of a row-major little-endian array, padded so that elements start at a multiple of
  /// 64.
  static func encode(_ dtype: DType, _ shape: [Int]) -> [UInt8] {
    let lengths = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text = "{'descr': '\(descr(dtype))', 'fortran_order': False, 'shape': (\(lengths)), }"
    let plain = magic.count + 4 + text.utf8.count + 1
    let isLong = plain > Int(UInt16.max)
    let padded = (plain + (isLong ? 2 : 0) + 63) / 64 * 64
    var writer = ByteWriter()
    writer.append(magic)
    writer.append([isLong ? 2 : 1, 0])
    let length = padded - magic.count - 4 - (isLong ? 2 : 0)
    if isLong { writer.append(UInt32(length)) } else { writer.append(UInt16(length)) }
    writer.append(Array(text.utf8))
    writer.append([UInt8](repeating: UInt8(ascii: " "), count: padded - 1 - writer.count))
    writer.append(UInt8(ascii: "\n"))
    return writer.bytes
  }

  private static func descr(_ dtype: DType) -> String {
    switch dtype {
    case .float16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .int8: "|i1"
    case .int16: "<i2"
    case .int32: "<i4"
    case .int64: "<i8"
    case .uint8: "|u1"
    case .uint16: "<u2"
    case .uint32: "<u4"
    case .uint64: "<u8"
    case .bool: "|b1"
    case .bfloat16: "<V2"
    case .uint4, .int4, .uint2, .int2, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
      .float8e8m0, .float4e2m1:
      "|V1"
    }
  }
}

/// Reads the one Python literal that npy headers consist of: a dictionary with the keys `descr`,
/// `fortran_order` and `shape`.
private struct PythonLiteral {
  private let text: [UInt8]
  private let origin: Int
  private var next = 0

  init(_ text: [UInt8], origin: Int) { (self.text, self.origin) = (text, origin) }

  mutating func header() throws(ReadError) -> (descr: String, isFortranOrder: Bool, shape: [Int]) {
    var descr: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !skip("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where descr == nil: descr = try string()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try bool()
      case "shape" where shape == nil: shape = try tuple()
      default: throw malformed("the key '\(key)' is unknown or given twice")
      }
      if !skip(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard next == text.count else { throw malformed("text follows the dictionary") }
    guard let descr, let isFortranOrder, let shape else {
      throw malformed("one of 'descr', 'fortran_order' and 'shape' is missing")
    }
    return (descr, isFortranOrder, shape)
  }

  private func malformed(_ reason: String) -> ReadError {
    .malformed(offset: origin + next, reason: "in the npy header, \(reason)")
  }

  private mutating func skipSpace() {
    while next < text.count, text[next] == 0x20 || (0x09...0x0d).contains(text[next]) { next += 1 }
  }

  private mutating func skip(_ word: StaticString) -> Bool {
    skipSpace()
    let bytes = Array(word.description.utf8)
    guard text[next...].starts(with: bytes) else { return false }
    next += bytes.count
    return true
  }

  private mutating func expect(_ word: StaticString) throws(ReadError) {
    guard skip(word) else { throw malformed("'\(word)' is expected") }
  }

  private mutating func bool() throws(ReadError) -> Bool {
    if skip("True") { return true }
    if skip("False") { return false }
    throw malformed("True or False is expected")
  }

  private mutating func string() throws(ReadError) -> String {
    skipSpace()
    guard next < text.count, text[next] == UInt8(ascii: "'") || text[next] == UInt8(ascii: "\"")
    else {
      throw malformed("a string is expected (arrays of records are not supported)")
    }
    guard let end = text[(next + 1)...].firstIndex(of: text[next]) else {
      throw malformed("a string does not end")
    }
    guard let result = String(validating: text[(next + 1)..<end], as: UTF8.self) else {
      throw malformed("a string is not valid UTF-8")
    }
    next = end + 1
    return result
  }

  private mutating func tuple() throws(ReadError) -> [Int] {
    var lengths: [Int] = []
    try expect("(")
    while !skip(")") {
      guard lengths.count < NPYHeader.largestRank else {
        throw malformed("the shape has more than \(NPYHeader.largestRank) axes")
      }
      lengths.append(try integer())
      if !skip(",") {
        try expect(")")
        break
      }
    }
    return lengths
  }

  private mutating func integer() throws(ReadError) -> Int {
    skipSpace()
    let digits = text[next...].prefix { (0x30...0x39).contains($0) }
    guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
      throw malformed("a length from 0 to 2^63 - 1 is expected")
    }
    next += digits.count
    return value
  }
}
