import CKernels
import CPlatform
import SparrowCore

/// Weights packed for kernels, made once and shared by the plans of a session. Safe to use from
/// several threads.
final class WeightCache: @unchecked Sendable {
  /// Never choose sparse kernels.
  let forcesDense: Bool

  private let panels = PackedOnce<Panels>()
  /// nil: dense is better, which is worth remembering as well.
  private let sparse = PackedOnce<SparseMatrix?>()
  private let vectors = PackedOnce<SparseRows?>()

  /// Which tensor, by the memory that holds it, packed how.
  struct Key: Hashable {
    /// Kept, so that no other tensor can take over the address.
    private let region: Region
    private let offset: Int
    private let layout: Int
    private let rows: Int
    private let k: Int
    private let group: Int
    private let columns: Int
    private let plane: Int

    /// `rows` x `k` is the matrix that is read in the tensor, or in part `group` of it; `columns` and
    /// `plane` are what a sparse matrix's tiling depends on.
    init(
      _ tensor: Tensor, layout: Layout, rows: Int, k: Int, group: Int = 0, columns: Int = 0,
      plane: Int = 0
    ) {
      (self.rows, self.k, self.columns, self.plane) = (rows, k, columns, plane)
      let bytes = tensor.storage.identifyingBytes
      region = bytes.region
      offset = bytes.offset
      self.layout = layout.rawValue
      self.group = group
    }

    static func == (a: Key, b: Key) -> Bool {
      a.region === b.region && a.offset == b.offset && a.layout == b.layout && a.rows == b.rows
        && a.k == b.k && a.group == b.group && a.columns == b.columns && a.plane == b.plane
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(ObjectIdentifier(region))
      hasher.combine(offset)
      hasher.combine(layout)
      hasher.combine(rows)
      hasher.combine(k)
      hasher.combine(group)
      hasher.combine(columns)
      hasher.combine(plane)
    }
  }

  enum Layout: Int {
    case rowPanels, columnPanels, columnPanelsOfTransposed, sparse, sparseOfTransposed, sparseRows
  }

  init(forcesDense: Bool) { self.forcesDense = forcesDense }

  /// Packed panels for `key`, made by `make` on first use.
  func panels(_ key: Key, make: () -> Panels) -> Panels { panels.value(key, make: make) }

  /// A sparse matrix for `key`, made by `make` on first use; nil where dense is better.
  func sparse(_ key: Key, make: () -> SparseMatrix?) -> SparseMatrix? {
    sparse.value(key, make: make)
  }

  /// Sparse rows for `key`, made by `make` on first use; nil where dense is better.
  func sparseRows(_ key: Key, make: () -> SparseRows?) -> SparseRows? {
    vectors.value(key, make: make)
  }

  /// Memory of everything packed so far.
  var byteCount: Int {
    panels.sum { $0.region.count } + sparse.sum { $0?.byteCount ?? 0 }
      + vectors.sum { $0?.byteCount ?? 0 }
  }
}

/// What was packed for each key, by whichever thread came first.
private final class PackedOnce<Value> {
  private var values: [WeightCache.Key: Value] = [:]
  private let lockMemory = Region(count: MemoryLayout<sp_atomic>.size)
  private let lock: UnsafeMutablePointer<sp_atomic>

  init() {
    lock = lockMemory.base.bindMemory(to: sp_atomic.self, capacity: 1)
    lock.initialize(to: sp_atomic())
  }

  /// Nothing is packed under the lock: who comes second with the same key throws its copy away.
  func value(_ key: WeightCache.Key, make: () -> Value) -> Value {
    if let known = locked({ values[key] }) { return known }
    let made = make()
    return locked {
      if let known = values[key] { return known }
      values.updateValue(made, forKey: key)
      return made
    }
  }

  func sum(_ count: (Value) -> Int) -> Int {
    locked { values.values.reduce(0) { $0 + count($1) } }
  }

  private func locked<T>(_ body: () -> T) -> T {
    sp_lock(lock)
    defer { sp_unlock(lock) }
    return body()
  }
}

extension Storage {
  /// Bytes whose address identifies the stored tensor.
  var identifyingBytes: Bytes {
    switch self {
    case .dense(let bytes): bytes
    case .bitmask(let mask): mask.bits
    case .compressedRows(let rows): rows.starts
    case .blocks(let blocks): blocks.bits
    }
  }
}

/// A matrix packed into panels for the GEMM micro-kernel.
///
/// ```
/// row panels     panel p, step k:  rows p*MR ..< p*MR+MR of column k     [panels][K][MR]
/// column panels  panel p, step k:  columns p*NR ..< p*NR+NR of row k     [panels][K][NR]
/// ```
final class Panels: @unchecked Sendable {
  let region: Region
  let floats: UnsafeMutablePointer<Float>

  init(count: Int) {
    region = Region(count: count * 4)
    floats = region.base.bindMemory(to: Float.self, capacity: count)
  }

  /// The rows x K matrix at `source`, element (i, k) at `i * rowStride + k * columnStride`.
  static func rows(
    _ kernels: UnsafePointer<sp_kernel_table>, _ source: UnsafePointer<Float>, rows: Int, k: Int,
    rowStride: Int, columnStride: Int
  ) -> Panels {
    let mr = Int(kernels.pointee.gemm_mr)
    let count = (rows + mr - 1) / mr
    let result = Panels(count: count * k * mr)
    for p in 0..<count {
      kernels.pointee.f32_pack_a(
        min(mr, rows - p * mr), k, source + p * mr * rowStride, rowStride, columnStride,
        result.floats + p * k * mr)
    }
    return result
  }

  /// The K x columns matrix at `source`, element (k, j) at `k * rowStride + j * columnStride`.
  static func columns(
    _ kernels: UnsafePointer<sp_kernel_table>, _ source: UnsafePointer<Float>, columns: Int,
    k: Int, rowStride: Int, columnStride: Int
  ) -> Panels {
    let nr = Int(kernels.pointee.gemm_nr)
    let count = (columns + nr - 1) / nr
    let result = Panels(count: count * k * nr)
    for p in 0..<count {
      kernels.pointee.f32_pack_b(
        k, min(nr, columns - p * nr), source + p * nr * columnStride, rowStride, columnStride,
        result.floats + p * k * nr)
    }
    return result
  }
}
