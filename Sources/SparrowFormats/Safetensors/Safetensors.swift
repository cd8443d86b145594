import Foundation
import SparrowCore

/// Files of named tensors as PyTorch users exchange them: a header of JSON, then the tensors' bytes.
///
/// ```
/// | 8 bytes: length n of the header | n bytes: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...} | data |
/// ```
/// (Specification: safetensors, "Format", as of version 0.4.)
public struct Safetensors: Sendable {
  /// In the order of their data.
  public var tensors: [(name: String, tensor: Tensor)]
  /// Texts about the file, by key.
  public var metadata: [String: String]

  public init(_ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]) {
    (self.tensors, self.metadata) = (tensors, metadata)
  }

  public subscript(name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }

  /// The key of ``metadata`` in the header.
  static var metadataKey: String { "__metadata__" }
}

extension Safetensors {
  /// Writes the tensors, decoded where they are sparse. The same tensors give the same bytes.
  ///
  /// Throws for names that are used twice, and for element types that the format does not have.
  public func write(to path: String) throws(FormatError) {
    var header: [String: Any] = metadata.isEmpty ? [:] : [Self.metadataKey: metadata]
    var (offset, parts) = (0, [Bytes]())
    for (name, tensor) in tensors {
      guard name != Self.metadataKey, header[name] == nil else {
        throw .unsupported(file: path, offset: nil, reason: "the name '\(name)' is used twice")
      }
      guard let type = ElementName(tensor.dtype), let bytes = tensor.dense().denseBytes else {
        throw .unsupported(
          file: path, offset: nil,
          reason: "'\(name)' is \(tensor.dtype.name), which safetensors files do not hold")
      }
      header[name] = [
        "dtype": type.rawValue, "shape": tensor.shape,
        "data_offsets": [offset, offset + bytes.count],
      ]
      offset += bytes.count
      parts.append(bytes)
    }
    let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
    guard var text = try? JSONSerialization.data(withJSONObject: header, options: options) else {
      throw .unsupported(file: path, offset: nil, reason: "a name cannot be written as JSON")
    }
    // Data begins at a multiple of 8, so that it can be read in place.
    while text.count % 8 != 0 { text.append(0x20) }
    var start = ByteWriter()
    start.append(UInt64(text.count))
    let file = try AtomicFile(path)
    try file.write(start.bytes + Array(text))
    for part in parts { try file.write(part) }
    try file.commit()
  }
}

/// The format's names of element types.
enum ElementName: String, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float8e5m2 = "F8_E5M2"
  case float8e4m3 = "F8_E4M3"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  init?(_ dtype: DType) {
    guard let name = Self.allCases.first(where: { $0.dtype == dtype }) else { return nil }
    self = name
  }

  var dtype: DType {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float8e5m2: .float8e5m2
    case .float8e4m3: .float8e4m3fn
    case .int64: .int64
    case .int32: .int32
    case .int16: .int16
    case .int8: .int8
    case .uint64: .uint64
    case .uint32: .uint32
    case .uint16: .uint16
    case .uint8: .uint8
    case .bool: .bool
    }
  }
}
