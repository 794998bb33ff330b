"""What certificates of the course of ``exam_course`` are issued with."""

from tests.support.exam_course import EVENTS

URL = "https://exams.tanu.example.org"
FORM = """
name_kk = "Тану университеті"
name_ru = "Университет Тану"
address_kk = "Алматы, Әл-Фараби даңғылы, 71"
address_ru = "Алматы, пр. аль-Фараби, 71"
email = "office@example.org"
phone = "+7 727 000 00 00"
topic_kk = "Цифрлық сауаттылық"
topic_ru = "Цифровая грамотность"
credits = 5
outcomes_kk = "Дереккөздерді бағалайды: жоғары деңгей"
outcomes_ru = "Оценивает источники: высокий уровень"
signatory = "Г. Оспанова"
domain = "tanu.example.org"
"""
PASSED = frozenset(code for code, *_ in EVENTS)
