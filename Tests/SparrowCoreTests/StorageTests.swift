import SparrowCore
import Testing

/// Sparse storage: what every variant promises for any type, shape and density.
@Suite struct StorageTests {
  static let densities = [0, 0.02, 0.3, 0.9, 1]
  static let shapes: [[Int]] = [[1], [8], [63], [64], [65], [5, 13], [4, 3, 3, 3], [2, 70]]

  /// Elements of random bytes, of which about `density` are kept and the others zero.
  static func bytes(_ dtype: DType, _ count: Int, density: Double, seed: UInt64) -> Bytes {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    var bytes = [UInt8](repeating: 0, count: count * dtype.size)
    for i in 0..<count where Double(next() % 1000) < density * 1000 {
      for j in 0..<dtype.size { bytes[i * dtype.size + j] = UInt8(truncatingIfNeeded: next()) }
      bytes[i * dtype.size] |= 1
    }
    return Bytes(copying: bytes)
  }

  private func forEachCase(
    _ dtype: DType, _ body: (_ dense: Bytes, _ shape: [Int], _ density: Double) throws -> Void
  ) rethrows {
    for (i, shape) in Self.shapes.enumerated() {
      for (j, density) in Self.densities.enumerated() {
        let seed = UInt64(i * 10 + j + 1)
        try body(
          Self.bytes(dtype, shape.elementCount, density: density, seed: seed), shape, density)
      }
    }
  }

  private func nonzeros(_ dense: Bytes, _ dtype: DType) -> [Int] {
    (0..<(dense.count / dtype.size)).filter { dense.isNonzero($0, dtype) }
  }

  @Test(arguments: DType.allCases)
  func bitmasksKeepTheNonzeros(dtype: DType) throws {
    try forEachCase(dtype) { dense, shape, _ in
      let mask = Bitmask(encoding: dense, dtype: dtype)
      let kept = nonzeros(dense, dtype)
      #expect((0..<shape.elementCount).filter { mask.bits.bit($0) } == kept)
      #expect(mask.values.count == kept.count * dtype.size)
      #expect(mask.bits.count == (shape.elementCount + 7) / 8)
      let tensor = Tensor(dtype: dtype, shape: shape, storage: .bitmask(mask))
      #expect(tensor.dense().denseBytes == dense)
      #expect(tensor.nonzeroCount == kept.count)
      _ = try Bitmask(
        bits: mask.bits, values: mask.values, dtype: dtype, count: shape.elementCount)
    }
  }

  @Test(arguments: DType.allCases)
  func compressedRowsKeepTheNonzeros(dtype: DType) throws {
    try forEachCase(dtype) { dense, shape, _ in
      let rows = try #require(CompressedRows(encoding: dense, dtype: dtype, shape: shape))
      let kept = nonzeros(dense, dtype)
      let width = shape.elementCount / shape[0]
      #expect(rows.columns.array(of: UInt16.self).map { Int($0) } == kept.map { $0 % width })
      for row in 0...shape[0] {
        #expect(rows.start(row) == kept.filter { $0 < row * width }.count)
      }
      let tensor = Tensor(dtype: dtype, shape: shape, storage: .compressedRows(rows))
      #expect(tensor.dense().denseBytes == dense)
      #expect(tensor.nonzeroCount == kept.count)
      _ = try CompressedRows(
        starts: rows.starts, columns: rows.columns, values: rows.values, dtype: dtype, shape: shape)
    }
  }

  @Test func wideRowsHave32BitColumns() throws {
    for width in [65_536, 65_537] {
      var elements = [Float](repeating: 0, count: 2 * width)
      elements[width - 1] = 1
      elements[2 * width - 1] = 2
      let dense = Bytes(copying: elements)
      let rows = try #require(CompressedRows(encoding: dense, dtype: .float32, shape: [2, width]))
      #expect(rows.columns.count == (width > 65_536 ? 8 : 4))
      let tensor = Tensor(dtype: .float32, shape: [2, width], storage: .compressedRows(rows))
      #expect(tensor.dense().denseBytes == dense)
    }
  }

  static let views: [WeightView] = [
    .outputsFirst([5, 13]), .inputsFirst([5, 13]), .outputsFirst([4, 3, 3, 3]),
    .outputsFirst([8, 8]), .inputsFirst([16, 4]), .outputsFirst([65]),
    WeightView(
      outputs: 5, inputs: 6, positions: 4, outputStride: 4, inputStride: 20, positionStride: 1),
  ]

  @Test(arguments: DType.allCases, views)
  func blocksKeepRectanglesWithNonzeros(dtype: DType, view: WeightView) throws {
    for (outputs, inputs) in [(1, 1), (1, 4), (4, 1), (2, 3), (16, 16)] {
      for (i, density) in Self.densities.enumerated() {
        let dense = Self.bytes(dtype, view.count, density: density, seed: UInt64(i + 1))
        let blocks = Blocks(
          encoding: dense, dtype: dtype, view: view, outputs: outputs, inputs: inputs)
        for block in 0..<blocks.blockCount {
          var isOccupied = false
          blocks.forEachElement(of: block) { _, element in
            isOccupied = isOccupied || dense.isNonzero(element, dtype)
          }
          #expect(blocks.bits.bit(block) == isOccupied)
        }
        let tensor = Tensor(dtype: dtype, shape: [view.count], storage: .blocks(blocks))
        #expect(tensor.dense().denseBytes == dense)
        #expect(tensor.nonzeroCount == nonzeros(dense, dtype).count)
        _ = try Blocks(
          outputs: outputs, inputs: inputs, view: view, bits: blocks.bits, values: blocks.values,
          dtype: dtype, count: view.count)
      }
    }
  }

  @Test(arguments: [DType.float32, .float64, .float16, .bfloat16])
  func negativeZerosBecomePositive(dtype: DType) {
    var bytes = [UInt8](repeating: 0, count: 9 * dtype.size)
    bytes[4 * dtype.size - 1] = 0x80
    bytes[8 * dtype.size - 1] = 0xc0
    let dense = Bytes(copying: bytes)
    bytes[4 * dtype.size - 1] = 0
    let mask = Bitmask(encoding: dense, dtype: dtype)
    #expect(mask.values.count == dtype.size)
    let tensor = Tensor(dtype: dtype, shape: [9], storage: .bitmask(mask))
    #expect(tensor.dense().denseBytes == Bytes(copying: bytes))
  }

  @Test(arguments: [[], [0], [0, 3], [3, 0]])
  func scalarsAndEmptyTensorsAreKept(shape: [Int]) throws {
    let dense = Bytes(copying: [Float](repeating: 3, count: shape.elementCount))
    let mask = Bitmask(encoding: dense, dtype: .float32)
    let rows = try #require(CompressedRows(encoding: dense, dtype: .float32, shape: shape))
    for storage in [Storage.bitmask(mask), .compressedRows(rows)] {
      let tensor = Tensor(dtype: .float32, shape: shape, storage: storage)
      #expect(tensor.dense().denseBytes == dense)
    }
    let tensor = Tensor(dtype: .float32, shape: shape, bytes: dense)
    #expect(tensor.smallestStorage().denseBytes == dense)
  }

  @Test func theSmallestStorageIsChosen() {
    func name(_ kept: [Int], _ shape: [Int], blocks: (Int, Int)? = nil) -> String {
      var elements = [Float](repeating: 0, count: shape.elementCount)
      for i in kept { elements[i] = Float(i + 1) }
      let tensor = Tensor(elements, shape: shape)
      let small = tensor.smallestStorage(view: .outputsFirst(shape), blocks: blocks)
      #expect(small == tensor)
      #expect(small.storedByteCount <= tensor.storedByteCount)
      return small.storage.name
    }
    let shape = [4, 256]
    #expect(name(Array(0..<1024), shape) == "dense")
    #expect(name(Array(0..<1020), shape) == "dense")
    #expect(name(Array(0..<300), shape) == "bitmask")
    #expect(name([3, 700], shape) == "compressed rows")
    #expect(name(Array(0..<300), shape, blocks: (1, 4)) == "blocks 1x4")
    #expect(name(Array(0..<300), shape, blocks: (1, 1000)) == "bitmask")
    #expect(name(stride(from: 0, to: 1024, by: 4).map { $0 }, shape, blocks: (1, 4)) == "bitmask")
    #expect(name([], shape) == "compressed rows")
  }

  @Test func smallestStorageOfSparseTensorsIsThatOfTheirElements() {
    let dense = Self.bytes(.float32, 4096, density: 0.1, seed: 5)
    let rows = CompressedRows(encoding: dense, dtype: .float32, shape: [64, 64])
    let tensor = Tensor(
      dtype: .float32, shape: [64, 64], storage: rows.map { .compressedRows($0) } ?? .dense(dense))
    #expect(tensor.smallestStorage().storage.name == "bitmask")
    #expect(tensor.smallestStorage() == tensor)
  }
}

/// One test for each way in which parts from a file may not describe their tensor.
@Suite struct StorageErrorTests {
  private func bits(_ bytes: [UInt8]) -> Bytes { Bytes(copying: bytes) }
  private func floats(_ count: Int) -> Bytes { Bytes(copying: [Float](repeating: 1, count: count)) }

  private func maskError(_ bits: [UInt8], values: Int, count: Int) -> StorageError? {
    do throws(StorageError) {
      _ = try Bitmask(bits: self.bits(bits), values: floats(values), dtype: .float32, count: count)
      return nil
    } catch {
      return error
    }
  }

  @Test func bitmasks() {
    #expect(maskError([0b101, 1], values: 3, count: 9) == nil)
    #expect(
      maskError([0b101], values: 2, count: 9)
        == .wrongSize(part: "mask bits", found: 1, expected: 2))
    #expect(
      maskError([0b101, 1], values: 2, count: 9) == .wrongPopulation(found: 3, expected: 2))
    #expect(maskError([0b101, 2], values: 3, count: 9) == .paddingBit)
  }

  private func rowsError(
    _ starts: [UInt32], _ columns: [UInt16], valueBytes: Int? = nil
  ) -> StorageError? {
    let values = [UInt8](repeating: 1, count: valueBytes ?? columns.count * 4)
    do throws(StorageError) {
      _ = try CompressedRows(
        starts: Bytes(copying: starts), columns: Bytes(copying: columns),
        values: Bytes(copying: values), dtype: .float32, shape: [2, 5])
      return nil
    } catch {
      return error
    }
  }

  @Test func compressedRows() {
    #expect(rowsError([0, 2, 3], [0, 4, 1]) == nil)
    #expect(
      rowsError([0, 3], [0, 4, 1]) == .wrongSize(part: "row starts", found: 8, expected: 12))
    #expect(
      rowsError([0, 2, 3], [0, 4], valueBytes: 12)
        == .wrongSize(part: "column indices", found: 4, expected: 6))
    #expect(
      rowsError([0, 2, 3], [0, 4, 1], valueBytes: 13)
        == .wrongSize(part: "values", found: 13, expected: 12))
    #expect(rowsError([1, 2, 3], [0, 4, 1]) == .badRowStarts(row: 0))
    #expect(rowsError([0, 2, 2], [0, 4, 1]) == .badRowStarts(row: 2))
    #expect(rowsError([0, 4, 3], [0, 4, 1]) == .badRowStarts(row: 0))
    #expect(rowsError([0, 2, 3], [0, 5, 1]) == .badColumn(row: 0, column: 5))
    #expect(rowsError([0, 2, 3], [4, 4, 1]) == .badColumn(row: 0, column: 4))
  }

  private func blocksError(
    _ outputs: Int, _ inputs: Int, _ view: WeightView, _ bits: [UInt8], values: Int
  ) -> StorageError? {
    do throws(StorageError) {
      _ = try Blocks(
        outputs: outputs, inputs: inputs, view: view, bits: self.bits(bits), values: floats(values),
        dtype: .float32, count: 15)
      return nil
    } catch {
      return error
    }
  }

  @Test func blocks() {
    let view = WeightView.outputsFirst([3, 5])
    #expect(blocksError(1, 4, view, [0b10_0001], values: 8) == nil)
    for (outputs, inputs) in [(0, 4), (1, 257), (-1, 1)] {
      guard case .badBlock = blocksError(outputs, inputs, view, [0], values: 0) else {
        Issue.record("blocks of \(outputs)x\(inputs) were accepted")
        continue
      }
    }
    let strange = WeightView(
      outputs: 3, inputs: 5, positions: 1, outputStride: 5, inputStride: 2, positionStride: 1)
    let large = WeightView(
      outputs: .max, inputs: 3, positions: 0, outputStride: 0, inputStride: 0, positionStride: 1)
    for view in [.outputsFirst([3, 4]), .outputsFirst([0, .max]), strange, large] {
      guard case .badBlock = blocksError(1, 4, view, [0], values: 0) else {
        Issue.record("the view \(view) was accepted")
        continue
      }
    }
    #expect(
      blocksError(1, 4, view, [0, 0], values: 0)
        == .wrongSize(part: "block bits", found: 2, expected: 1))
    #expect(blocksError(1, 4, view, [0b100_0000], values: 4) == .paddingBit)
    #expect(
      blocksError(1, 4, view, [0b11], values: 7)
        == .wrongSize(part: "block values", found: 28, expected: 32))
  }

  @Test func messagesSayWhatWasFoundAndExpected() {
    #expect(
      StorageError.wrongSize(part: "values", found: 3, expected: 4).message
        == "its values take 3 bytes, expected 4")
    #expect(
      StorageError.wrongPopulation(found: 1, expected: 2).message
        == "its mask keeps 1 elements, but there are values for 2")
    #expect(StorageError.badRowStarts(row: 1).message.contains("row 1"))
    #expect(StorageError.badColumn(row: 1, column: 9).message.contains("column index 9 in row 1"))
  }
}
