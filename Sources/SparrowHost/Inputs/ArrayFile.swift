import SparrowCore
import SparrowFiles

/// The tensor that `FILE.npy` or `FILE.npz:KEY` names; nil where the location is neither.
public func loadArray(_ location: String) throws(FormatError) -> Tensor? {
  let bytes = Array(location.utf8)
  if bytes.hasSuffix(".npy") { return try NPY.read(location) }
  guard let (file, key) = archiveMember(bytes) else { return nil }
  let archive = try NPZArchive(path: file)
  guard archive.names.contains(key) else {
    let keys = archive.names.joined(separator: ", ")
    throw .unsupported(
      file: file, offset: nil, reason: "there is no array '\(key)'; it holds \(keys)")
  }
  return try archive.tensor(named: key)
}

/// The parts of `FILE.npz:KEY`, at the last place where it can be cut.
private func archiveMember(_ bytes: [UInt8]) -> (file: String, key: String)? {
  let mark = Array(".npz:".utf8)
  var start = bytes.count - mark.count
  while start >= 0 {
    if Array(bytes[start..<(start + mark.count)]) == mark {
      let end = start + mark.count
      return (
        String(decoding: bytes[..<(end - 1)], as: UTF8.self),
        String(decoding: bytes[end...], as: UTF8.self)
      )
    }
    start -= 1
  }
  return nil
}

extension [UInt8] {
  /// Whether they end with the text. (Strings compare by Unicode's rules, which costs a table.)
  package func hasSuffix(_ text: String) -> Bool {
    suffix(text.utf8.count).elementsEqual(text.utf8)
  }
}
