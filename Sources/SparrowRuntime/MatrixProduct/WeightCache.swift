import CKernels
import CPlatform
import SparrowCore

/// Weights packed for kernels, made once and shared by the plans of a session. Safe to use from
/// several threads.
final class WeightCache: @unchecked Sendable {
  /// What multiplies by every weight that it applies to; nil: for each the fastest.
  let forced: WeightKernel?
  let tuning: Tuning
  /// Whether convolutions leave out channels that gates close.
  let skipsClosedChannels: Bool
  /// What they multiplied so far.
  let workCounts = WorkCounts()

  let panels = PackedOnce<Panels>()
  /// nil: dense is better, which is worth remembering as well.
  let sparse = PackedOnce<SparseMatrix?>()
  let vectors = PackedOnce<SparseRows?>()
  /// What a weight's density makes of each kernel, and what measurements decided on.
  let candidates = KeptValues<ProductUse, [SparsityChoice.Candidate]>()
  let decisions = KeptValues<ProductUse, WeightKernel>()
  private var forgottenBytes = 0
  /// What is packed for other sessions of the same model as well.
  private let shared: SharedWeights?

  /// Which tensor, packed how.
  struct Key: Hashable {
    let tensor: TensorIdentity
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
      self.tensor = TensorIdentity(tensor)
      self.layout = layout.rawValue
      self.group = group
    }
  }

  enum Layout: Int {
    case rowPanels, columnPanels, columnPanelsOfTransposed, sparse, sparseOfTransposed, sparseRows
  }

  init(
    forced: WeightKernel? = nil, tuning: Tuning = .off, skipsClosedChannels: Bool = true,
    shared: SharedWeights? = nil
  ) {
    (self.forced, self.tuning, self.shared) = (forced, tuning, shared)
    self.skipsClosedChannels = skipsClosedChannels
  }

  convenience init(_ options: SessionOptions, shared: SharedWeights? = nil) {
    self.init(
      forced: options.kernel, tuning: options.tuning,
      skipsClosedChannels: options.skipsClosedChannels, shared: shared)
  }

  /// Where what is packed of a tensor is kept.
  func home(of tensor: TensorIdentity) -> WeightCache {
    guard let shared, shared.holds(tensor) else { return self }
    return shared.cache
  }

  /// Packed panels for `key`, made by `make` on first use.
  func panels(_ key: Key, make: () -> Panels) -> Panels {
    home(of: key.tensor).panels.value(key, make: make)
  }

  /// A sparse matrix for `key`, made by `make` on first use; nil where dense is better.
  func sparse(_ key: Key, make: () -> SparseMatrix?) -> SparseMatrix? {
    home(of: key.tensor).sparse.value(key, make: make)
  }

  /// Sparse rows for `key`, made by `make` on first use; nil where dense is better.
  func sparseRows(_ key: Key, make: () -> SparseRows?) -> SparseRows? {
    home(of: key.tensor).vectors.value(key, make: make)
  }

  /// Memory of everything packed so far, what is shared included.
  var byteCount: Int {
    (shared?.cache.byteCount ?? 0) + forgottenBytes + panels.sum { $0.region.count }
      + sparse.sum { $0?.byteCount ?? 0 }
      + vectors.sum { $0?.byteCount ?? 0 }
  }

  /// Lets go of the tensors that weights were packed from, and leaves the packed ones to the plans.
  func forget() {
    forgottenBytes = byteCount - (shared?.cache.byteCount ?? 0)
    panels.removeAll()
    sparse.removeAll()
    vectors.removeAll()
    candidates.removeAll()
    decisions.removeAll()
  }
}

/// What was packed for each key, by whichever thread came first.
final class PackedOnce<Value> {
  private let values = KeptValues<WeightCache.Key, Value>()

  /// Nothing is packed under the lock: who comes second with the same key throws its copy away.
  func value(_ key: WeightCache.Key, make: () -> Value) -> Value {
    if let known = values.value(key) { return known }
    return values.add(key, make())
  }

  func sum(_ count: (Value) -> Int) -> Int { values.sum(count) }

  func removeAll() { values.removeAll() }

  func replace(_ tensor: TensorIdentity, by other: PackedOnce) {
    values.replace(by: other.values) { $0.tensor == tensor }
  }
}

/// Values by key, safe to use from several threads.
final class KeptValues<Key: Hashable, Value> {
  private var values: [Key: Value] = [:]
  private let lockMemory = Region(count: MemoryLayout<sp_atomic>.size)
  private let lock: UnsafeMutablePointer<sp_atomic>

  init() {
    lock = lockMemory.base.bindMemory(to: sp_atomic.self, capacity: 1)
    lock.initialize(to: sp_atomic())
  }

  func value(_ key: Key) -> Value? { locked { values[key] } }

  func set(_ key: Key, _ value: Value) {
    locked { _ = values.updateValue(value, forKey: key) }
  }

  /// What is known already, else `value`.
  func add(_ key: Key, _ value: Value) -> Value {
    locked {
      if let known = values[key] { return known }
      values.updateValue(value, forKey: key)
      return value
    }
  }

  /// In no certain order.
  var all: [Value] { locked { Array(values.values) } }

  func removeAll() { locked { values = [:] } }

  /// Takes over all of another's values in the place of those with such keys.
  func replace(by other: KeptValues, _ isReplaced: (Key) -> Bool) {
    let taken = other.locked { other.values }
    locked {
      values = values.filter { !isReplaced($0.key) }
      for (key, value) in taken { values.updateValue(value, forKey: key) }
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
    let count = rows.dividedUp(by: mr)
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
    let count = columns.dividedUp(by: nr)
    let result = Panels(count: count * k * nr)
    for p in 0..<count {
      kernels.pointee.f32_pack_b(
        k, min(nr, columns - p * nr), source + p * nr * columnStride, rowStride, columnStride,
        result.floats + p * k * nr)
    }
    return result
  }
}
