import SparrowCore

/// Reads npy arrays that follow one another in a stream, such as a pipe.
public struct NPYStream {
  /// Fills the buffer from the stream; returns how many bytes there were before its end.
  public typealias Source = (UnsafeMutableRawBufferPointer) -> Int

  private let name: String
  private let largest: Int
  private var position = 0

  /// `name` is for messages. Arrays of more than `largest` bytes are refused.
  public init(name: String, largest: Int = 1 << 36) { (self.name, self.largest) = (name, largest) }

  /// The next array; nil where the stream ends before it. Throws where it ends inside the array, or where
  /// what follows is none.
  public mutating func next(_ source: Source) throws(FormatError) -> Tensor? {
    // Magic string, version, and the first two bytes of the header's length.
    let start = position
    var bytes = read(10, source)
    if bytes.isEmpty { return nil }
    do throws(ReadError) {
      if bytes.count == 10 {
        let isLong = bytes[6] > 1
        if isLong { bytes += read(2, source) }
        var length = 0
        for byte in bytes[8...].reversed() { length = length << 8 | Int(byte) }
        bytes += read(min(length, NPYHeader.largestText), source)
      }
      let header = try NPYHeader(Bytes(copying: bytes), origin: start)
      guard header.elementBytes <= largest else {
        throw .overLimit(
          offset: start, what: "the array's size", found: UInt64(header.elementBytes),
          limit: UInt64(largest))
      }
      let whole = try elements(header, after: bytes, source)
      return try NPY.tensor(whole, header, origin: start)
    } catch {
      throw FormatError(error, file: name)
    }
  }

  private mutating func elements(
    _ header: NPYHeader, after first: [UInt8], _ source: Source
  ) throws(ReadError) -> Bytes {
    var read = 0
    let whole = Bytes(count: first.count + header.elementBytes) { target in
      for (i, byte) in first.enumerated() { target[i] = byte }
      read = source(UnsafeMutableRawBufferPointer(rebasing: target[first.count...]))
    }
    position += read
    guard read == header.elementBytes else {
      throw .truncated(
        offset: position, needed: header.elementBytes - read, what: "elements")
    }
    return whole
  }

  private mutating func read(_ count: Int, _ source: Source) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let found = bytes.withUnsafeMutableBytes { source($0) }
    position += found
    return Array(bytes.prefix(found))
  }
}
