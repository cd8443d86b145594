import SparrowCore

/// Reads and writes npy files: one array each (NumPy Enhancement Proposal 1, versions 1 to 3).
///
/// Element types are those of ``DType``. NumPy has no bfloat16: such arrays hold the bits as elements
/// of two bytes (`<V2`), as ml_dtypes writes them, so that `array.view(ml_dtypes.bfloat16)` is exact.
/// Column-major and big-endian arrays become row-major and little-endian ones.
public enum NPY {
  /// Reads the file at `path`; a row-major little-endian array is used in place from the mapping.
  public static func read(_ path: String) throws(FormatError) -> Tensor {
    let region: Region
    do throws(FileError) {
      region = try Region(mapping: path)
    } catch {
      throw .file(error)
    }
    return try parse(Bytes(region), file: path)
  }

  /// Reads an array that is in memory already; `file` is for messages.
  public static func parse(
    _ bytes: Bytes, file: String = "the array"
  ) throws(FormatError) -> Tensor {
    do throws(ReadError) {
      return try tensor(bytes, NPYHeader(bytes, origin: 0), origin: 0)
    } catch {
      throw FormatError(error, file: file)
    }
  }

  /// Writes a tensor, decoded where it is sparse.
  public static func write(_ tensor: Tensor, to path: String) throws(FormatError) {
    let (header, elements) = parts(of: tensor)
    let file = try AtomicFile(path)
    try file.write(header)
    try file.write(elements)
    try file.commit()
  }

  /// What stands before a tensor's elements in a file.
  public static func header(of tensor: Tensor) -> [UInt8] {
    NPYHeader.encode(tensor.dtype, tensor.shape)
  }

  /// A tensor's elements, row-major and little-endian, decoded where it is sparse.
  public static func elements(of tensor: Tensor) -> Bytes {
    tensor.dense().denseBytes ?? Bytes(copying: [UInt8]())
  }

  /// The array whose file is exactly `bytes`.
  static func tensor(
    _ bytes: Bytes, _ header: NPYHeader, origin: Int
  ) throws(ReadError) -> Tensor {
    let found = bytes.count - header.size
    guard found >= header.elementBytes else {
      throw .truncated(
        offset: origin + bytes.count, needed: header.elementBytes - found, what: "elements")
    }
    guard found == header.elementBytes else {
      throw .malformed(
        offset: origin + header.size + header.elementBytes,
        reason: "\(found - header.elementBytes) bytes follow the array's elements")
    }
    var elements = bytes.slice(header.size, header.elementBytes)
    if header.isBigEndian, header.dtype.size > 1 {
      elements = elements.swappingBytes(of: header.dtype.size)
    }
    if header.isColumnMajor, header.shape.count > 1 {
      elements = elements.rowMajor(fromColumnMajor: header.shape, size: header.dtype.size)
    }
    return Tensor(dtype: header.dtype, shape: header.shape, bytes: elements)
  }

  /// The header and the row-major elements.
  static func parts(of tensor: Tensor) -> (header: [UInt8], elements: Bytes) {
    (header(of: tensor), elements(of: tensor))
  }
}

extension Bytes {
  /// Elements of `size` bytes with their bytes in the opposite order.
  fileprivate func swappingBytes(of size: Int) -> Bytes {
    Bytes(count: count) { target in
      for i in 0..<(count / size) {
        for j in 0..<size {
          target[i * size + j] = pointer.load(
            fromByteOffset: i * size + size - 1 - j, as: UInt8.self)
        }
      }
    }
  }

  /// Elements of `size` bytes, stored with the first axis varying fastest, in row-major order.
  fileprivate func rowMajor(fromColumnMajor shape: [Int], size: Int) -> Bytes {
    var strides = [Int](repeating: size, count: shape.count)
    for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    return Bytes(count: count) { target in
      guard let base = target.baseAddress, count > 0 else { return }
      var position = [Int](repeating: 0, count: shape.count)
      var source = 0
      var next = 0
      while next < count {
        base.advanced(by: next).copyMemory(from: pointer + source, byteCount: size)
        next += size
        var axis = shape.count - 1
        while axis >= 0 {
          position[axis] += 1
          source += strides[axis]
          if position[axis] < shape[axis] { break }
          source -= strides[axis] * shape[axis]
          position[axis] = 0
          axis -= 1
        }
      }
    }
  }
}
