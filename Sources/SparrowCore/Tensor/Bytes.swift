import CPlatform

/// A block of memory that is freed or unmapped when its last user lets go.
public final class Region: @unchecked Sendable {
  enum Kind { case heap, pages, mapping, borrowed }

  /// The first byte; heap regions are aligned to ``alignment``.
  public let base: UnsafeMutableRawPointer
  public let count: Int
  let kind: Kind

  /// Cache-line and AVX-512 vector size.
  public static var alignment: Int { 64 }

  /// Uninitialised memory of `count` bytes: of the heap, or in large pages where it fills one.
  public init(count: Int) {
    precondition(count >= 0)
    guard let memory = Region.memory(count) else { preconditionFailure("out of memory") }
    (base, kind, self.count) = (memory.base, memory.kind, count)
  }

  /// As ``init(count:)``; nil when the system has no memory left.
  public convenience init?(available count: Int) {
    guard count >= 0, let memory = Region.memory(count) else { return nil }
    self.init(memory.base, count, memory.kind)
  }

  // What may fail delegates to this: an initialiser that fails before all is set leaks its object in
  // Embedded Swift (6.3).
  private init(_ base: UnsafeMutableRawPointer, _ count: Int, _ kind: Kind) {
    (self.base, self.count, self.kind) = (base, count, kind)
  }

  private static func memory(_ count: Int) -> (base: UnsafeMutableRawPointer, kind: Kind)? {
    let kind: Kind = count >= Int(sp_large_page) ? .pages : .heap
    return (kind == .pages ? sp_map_pages(count) : sp_allocate(count)).map { ($0, kind) }
  }

  /// A mapped file, read-only.
  public convenience init(mapping path: String) throws(FileError) {
    var base: UnsafeMutableRawPointer?
    var count = 0
    let code = sp_map_file(path, &base, &count)
    guard code == 0, let base else {
      throw FileError(path: path, action: "open", code: Int(code))
    }
    self.init(base, count, .mapping)
  }

  /// Memory of somebody else's, who keeps it as it is for as long as the region lives.
  public init(borrowing base: UnsafeMutableRawPointer, count: Int) {
    precondition(count >= 0)
    (self.base, self.count, kind) = (base, count, .borrowed)
  }

  deinit {
    switch kind {
    case .borrowed: break
    case .heap: sp_deallocate(base)
    case .pages: sp_unmap_pages(base, count)
    case .mapping: sp_unmap_file(base, count)
    }
  }
}

/// A file operation that the system refused.
public struct FileError: Error {
  public var path: String
  public var action: String
  /// The system's errno; negative values are the shim's own: -1 not a regular file.
  public var code: Int

  public init(path: String, action: String, code: Int) {
    (self.path, self.action, self.code) = (path, action, code)
  }

  public var message: String {
    if code == -1 { return "cannot \(action) \(path): it is not a regular file" }
    return "cannot \(action) \(path): \(String(cString: sp_error_text(Int32(code))))"
  }
}

/// An immutable range of bytes inside a shared ``Region``; slices share, nothing is copied.
public struct Bytes: Sendable {
  public let region: Region
  public let offset: Int
  public let count: Int

  public init(region: Region, offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && offset + count <= region.count)
    (self.region, self.offset, self.count) = (region, offset, count)
  }

  public init(_ region: Region) { self.init(region: region, offset: 0, count: region.count) }

  /// New bytes, written once by `fill`.
  public init<E: Error>(
    count: Int, fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    let region = Region(count: count)
    try fill(UnsafeMutableRawBufferPointer(start: region.base, count: count))
    self.init(region)
  }

  /// A copy of an array's elements.
  public init<T: BitwiseCopyable>(copying array: [T]) {
    self.init(count: array.count * MemoryLayout<T>.stride) { target in
      array.withUnsafeBytes { target.copyMemory(from: $0) }
    }
  }

  /// The bytes from `offset` on, `count` of them; both must lie inside.
  public func slice(_ offset: Int, _ count: Int) -> Bytes {
    precondition(offset >= 0 && count >= 0 && offset + count <= self.count)
    return Bytes(region: region, offset: self.offset + offset, count: count)
  }

  /// The first byte. Valid while `region` is alive: keep `self` for as long as the pointer is used.
  public var pointer: UnsafeRawPointer { UnsafeRawPointer(region.base + offset) }

  public func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafeRawBufferPointer(start: pointer, count: count))
  }

  /// Lets go of the memory behind bytes of a mapped file, which are read from it again when they are
  /// touched. Nothing happens to bytes in memory.
  public func releasePages() {
    if region.kind == .mapping { sp_release_file_pages(pointer, count) }
  }

  /// Whether elements of `T` can be read in place.
  public func isAligned<T>(for type: T.Type) -> Bool {
    UInt(bitPattern: pointer) % UInt(MemoryLayout<T>.alignment) == 0
  }

  /// Elements of `T` as an array.
  public func array<T: BitwiseCopyable>(of type: T.Type) -> [T] {
    let n = count / MemoryLayout<T>.stride
    return [T](unsafeUninitializedCapacity: n) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(
        from: UnsafeRawBufferPointer(start: pointer, count: n * MemoryLayout<T>.stride))
      initialized = n
    }
  }
}

extension Bytes: Equatable {
  public static func == (a: Bytes, b: Bytes) -> Bool {
    a.count == b.count && sp_equal(a.pointer, b.pointer, a.count)
  }
}
