import CKernels
import Testing

@Suite struct DispatchTests {
  @Test func theBestIsAvailable() {
    #expect(sp_isa_available(sp_best_isa()))
    #expect(sp_kernels_best().pointee.isa == sp_best_isa())
    #expect(sp_isa_available(SP_ISA_SCALAR))
  }

  @Test(arguments: ISA.available) func tablesNameTheirISA(isa: ISA) {
    #expect(isa.kernels.isa == isa.raw)
    #expect(isa.kernels.gemm_mr > 0 && isa.kernels.gemm_nr > 0)
  }

  @Test func unavailableFallsBack() {
    for isa in [SP_ISA_SCALAR, SP_ISA_AVX2, SP_ISA_AVX512, SP_ISA_NEON, SP_ISA_WASM] {
      #expect(sp_isa_available(sp_kernels(isa).pointee.isa))
    }
  }
}
